/* What a message says. Ours begins with {"prev":P,"seq":S or {"prev":P,"head":S; so its events are counted without reading on. */
#define _GNU_SOURCE
#include "crowd.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *found(const struct text *text, const char *words) {
    size_t size = text->have < HEAD ? text->have : HEAD;
    return memmem(text->bytes, size, words, strlen(words));
}

bool number_after(const struct text *text, const char *words, uint64_t *number) {
    char *at = found(text, words);
    if (!at) return false;
    at += strlen(words);
    while (*at == ' ') at++;
    if (!isdigit((unsigned char)*at)) return false;
    *number = strtoull(at, NULL, 10);
    return true;
}

static void resume(struct page *page) {
    char words[120];
    if (*page->epoch) snprintf(words, sizeof words, "{\"resume\":\"%s:%llu\"}", page->epoch, (unsigned long long)page->seq);
    else strcpy(words, "{\"resume\":\"\"}");
    page_say(page, words);
}

void joined(struct page *page) {
    if (options.protocol == LIVE_PAGES) resume(page);
}

static void is_live(struct page *page) {
    if (page->state == LIVE) return;
    page->state = LIVE;
    page->attempts = 0;
    page->live_at = now;
}

static bool is_gap(struct page *page) {
    uint64_t prev;
    if (!number_after(&page->text, "\"prev\":", &prev) || prev <= page->seq) return false;
    tally.gaps++;
    resume(page);
    return true;
}

static void take_resync(struct page *page, const char *cursor) {
    char *colon = strchr(cursor, ':');
    tally.resyncs++;
    if (!colon) return;
    snprintf(page->epoch, sizeof page->epoch, "%.*s", (int)(colon - cursor), cursor);
    page->seq = strtoull(colon + 1, NULL, 10);
}

void acknowledge(struct page *page) {
    char words[40];
    page->acknowledge_at = page->owed_events = page->owed_bytes = 0;
    snprintf(words, sizeof words, "{\"ack\":%llu}", (unsigned long long)page->seq);
    page_say(page, words);
}

static void owe(struct page *page, uint64_t events) {
    page->owed_events += events;
    page->owed_bytes += page->size;
    if (page->owed_events >= OWED_EVENTS * page->own || page->owed_bytes >= OWED_BYTES * page->own) acknowledge(page);
    else if (!page->acknowledge_at) page->acknowledge_at = now + (1000 + rand() % 2000) * 1000000LL;
}

static void take_events_up_to(struct page *page, uint64_t seq) {
    if (seq <= page->seq) return;
    uint64_t events = seq - page->seq;
    page->seq = seq;
    tally_delivered(page, events);
    owe(page, events);
}

static void hear_live(struct page *page) {
    uint64_t number;
    char *cursor = found(&page->text, "\"resync\":");
    if (cursor) take_resync(page, strchr(cursor + 9, '"') + 1);
    else if (is_gap(page)) return;
    else if (number_after(&page->text, "\"head\":", &number)) page->seq = number > page->seq ? number : page->seq;
    else if (number_after(&page->text, "\"seq\":", &number)) take_events_up_to(page, number);
    is_live(page);
}

/* engine.io: 0 opens, 2 pings, 4 is a message; socket.io in it: 0 connects, 2 is an event. */
static void hear_socket_io(struct page *page) {
    const char *words = page->text.bytes;
    if (*words == '0') page_say(page, "40");
    else if (*words == '2') page_say(page, "3");
    else if (!strncmp(words, "40", 2)) is_live(page);
    else if (!strncmp(words, "42", 2)) tally_delivered(page, 1);
    else page_lost(page);
}

void hear(struct page *page) {
    uint64_t before = page->got;
    if (!page->text.have) return;
    if (options.protocol == SOCKET_IO) hear_socket_io(page);
    else hear_live(page);
    if (page->text.keep > HEAD && page->state == LIVE) tally_marks(page, page->got - before);
}
