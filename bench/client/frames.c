/* WebSocket frames as they come, however they are cut or joined. Of a long message only the beginning is kept. */
#include "crowd.h"

#include <stdlib.h>
#include <string.h>

#define TEXT 1
#define CLOSE 8
#define PING 9
#define MASKED 0x80

void text_empty(struct text *text) { text->have = 0; }

void text_add(struct text *text, const char *bytes, size_t count) {
    if (text->have + count > text->keep) count = text->keep - text->have;
    if (text->have + count + 1 > text->room) {
        text->room = text->have + count + 1;
        text->bytes = realloc(text->bytes, text->room);
        if (!text->bytes) die("memory");
    }
    memcpy(text->bytes + text->have, bytes, count);
    text->have += count;
    text->bytes[text->have] = 0;
}

static size_t header_size(const struct page *page) {
    if (page->header_has < 2) return 2;
    int length = page->header[1] & 127;
    return length == 127 ? 10 : length == 126 ? 4 : 2;
}

static size_t payload_size(const unsigned char *header) {
    size_t size = header[1] & 127;
    if (size < 126) return size;
    int bytes = size == 126 ? 2 : 8;
    size = 0;
    for (int i = 0; i < bytes; i++) size = size << 8 | header[2 + i];
    return size;
}

static size_t take_header(struct page *page, const char *bytes, size_t count) {
    size_t taken = 0;
    while (taken < count && page->header_has < header_size(page)) page->header[page->header_has++] = bytes[taken++];
    if (page->header_has >= 2 && page->header_has == header_size(page)) {
        page->left = page->size = payload_size(page->header);
        page->in_payload = true;
        text_empty(&page->text);
    }
    return taken;
}

static void frame_ends(struct page *page) {
    int opcode = page->header[0] & 15;
    page->header_has = 0;
    page->in_payload = false;
    if (opcode == TEXT) hear(page);
    else if (opcode == CLOSE && page->text.have >= 2)
        page->code = (unsigned char)page->text.bytes[0] << 8 | (unsigned char)page->text.bytes[1];
    else if (opcode == PING) page_say(page, NULL);
}

void frames_take(struct page *page, const char *bytes, size_t count) {
    while (count > 0 && page->fd >= 0) {
        size_t taken;
        if (page->in_payload) {
            taken = count < page->left ? count : page->left;
            text_add(&page->text, bytes, taken);
            page->left -= taken;
        } else taken = take_header(page, bytes, count);
        bytes += taken;
        count -= taken;
        if (page->in_payload && page->left == 0) frame_ends(page);
    }
}
