/* One page: connects, shakes hands, reads as fast as its pace says, and comes back when it is lost. */
#define _GNU_SOURCE
#include "crowd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define AT_ONCE (256 * 1024)
#define OF_A_SLOW_READER (128 * 1024)
#define LOOPBACK 0x7f000001

struct page *pages;
int page_count;

static void set_cursor(struct page *page, const char *cursor) {
    const char *colon = strchr(cursor, ':');
    page->seq = colon ? strtoull(colon + 1, NULL, 10) : 0;
    snprintf(page->epoch, sizeof page->epoch, "%.*s", colon ? (int)(colon - cursor) : 0, cursor);
}

/* Path, cookie, cursor and port, with tabs between; all but the path may be empty. */
static void add_page(char *line) {
    char *fields[4] = {"", "", "", ""};
    for (int i = 0; i < 4 && line; i++) fields[i] = strsep(&line, "\t\n");
    pages = realloc(pages, (page_count + 1) * sizeof *pages);
    if (!pages) die("memory");
    struct page *page = &pages[page_count];
    memset(page, 0, sizeof *page);
    page->fd = -1;
    page->number = page_count++;
    page->own = 1 + (double)rand() / RAND_MAX;
    page->path = strdup(fields[0]);
    page->cookie = strdup(fields[1]);
    page->port = *fields[3] ? atoi(fields[3]) : options.port;
    set_cursor(page, fields[2]);
}

void load_pages(const char *file) {
    char line[4096];
    FILE *lines = fopen(file, "r");
    if (!lines) die(file);
    while (fgets(line, sizeof line, lines)) add_page(line);
    fclose(lines);
    if (!page_count) die("no pages");
}

bool page_is_open(const struct page *page) { return page->state == OPEN || page->state == LIVE; }

static bool is_checked(const struct page *page) {
    return options.marks || (options.check_every && page->number % options.check_every == 0);
}

static void start_afresh(struct page *page) {
    page->state = CONNECTING;
    page->retry_at = page->accepted_at = page->live_at = page->closed_at = page->acknowledge_at = 0;
    page->header_has = page->owed_events = page->owed_bytes = 0;
    page->in_payload = false;
    page->code = 0;
    page->pace = ALL;
    page->text.keep = 4096;
    text_empty(&page->text);
}

void page_connect(struct page *page) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(page->port), .sin_addr.s_addr = htonl(LOOPBACK)};
    int on = 1;
    page->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (page->fd < 0) die("socket");
    start_afresh(page);
    setsockopt(page->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event events = {.events = EPOLLOUT, .data.ptr = page};
    if (connect(page->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS) page_lost(page);
    else if (epoll_ctl(epoll, EPOLL_CTL_ADD, page->fd, &events)) die("epoll");
}

static void listen_for(struct page *page, uint32_t what) {
    struct epoll_event events = {.events = what, .data.ptr = page};
    epoll_ctl(epoll, EPOLL_CTL_MOD, page->fd, &events);
}

static void shake_hands(struct page *page) {
    char words[4096];
    int size = snprintf(words, sizeof words,
        "GET %s HTTP/1.1\r\nHost: %s:%d\r\nOrigin: http://%s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: %s\r\n\r\n",
        page->path, options.origin_host, page->port, options.origin_host, page->port, page->cookie);
    page->state = SHAKING;
    listen_for(page, EPOLLIN | EPOLLRDHUP);
    if (send(page->fd, words, size, 0) != size) page_lost(page);
}

static size_t take_answer(struct page *page, const char *bytes, size_t count) {
    size_t before = page->text.have;
    text_add(&page->text, bytes, count);
    char *end = strstr(page->text.bytes, "\r\n\r\n");
    if (!end) return count;
    if (strncmp(page->text.bytes, "HTTP/1.1 101", 12)) {
        tally.refused++;
        page->code = atoi(page->text.bytes + 9);
        page_lost(page);
        return count;
    }
    size_t used = end + 4 - page->text.bytes - before;
    page->state = OPEN;
    page->accepted_at = now;
    page->text.keep = is_checked(page) ? SIZE_MAX : HEAD;
    joined(page);
    return used;
}

static void take(struct page *page, const char *bytes, size_t count) {
    tally.bytes += count;
    size_t used = page->state == SHAKING ? take_answer(page, bytes, count) : 0;
    if (page->fd >= 0 && page->state != SHAKING) frames_take(page, bytes + used, count - used);
}

void page_read(struct page *page, size_t most) {
    static char buffer[AT_ONCE];
    ssize_t count = recv(page->fd, buffer, most && most < AT_ONCE ? most : AT_ONCE, 0);
    if (count > 0) take(page, buffer, count);
    else if (count == 0 || errno != EAGAIN) page_lost(page);
}

void page_ready(struct page *page, uint32_t events) {
    int error = 0;
    socklen_t size = sizeof error;
    if (page->fd < 0) return;
    if (page->state == CONNECTING) {
        if (getsockopt(page->fd, SOL_SOCKET, SO_ERROR, &error, &size) || error) page_lost(page);
        else shake_hands(page);
    } else if (page->pace != ALL) page_lost(page); /* only its end is listened for */
    else if (events) page_read(page, 0);
}

/* A mask of zeros is a mask, and leaves the words as they are. Without words: a pong. */
void page_say(struct page *page, const char *words) {
    char frame[200] = {words ? (char)0x81 : (char)0x8a};
    size_t size = words ? strlen(words) : 0;
    if (page->fd < 0 || size > 125) return;
    frame[1] = (char)(0x80 | size);
    if (size) memcpy(frame + 6, words, size);
    if (send(page->fd, frame, size + 6, 0) < 0 && errno != EAGAIN) page_lost(page);
}

/* As live.js: 0.2 to 2 s, with chance in it. */
static int64_t wait_before(struct page *page) {
    int64_t wait = 200LL << (page->attempts < 4 ? page->attempts : 4);
    page->attempts++;
    return (wait < SLOWEST_RETRY ? wait : SLOWEST_RETRY) * (500000 + rand() % 500000);
}

void page_lost(struct page *page) {
    if (page->fd < 0) return;
    if (page->state == LIVE) tally.lost++;
    close(page->fd);
    page->fd = -1;
    page->state = AWAY;
    page->closed_at = now;
    page->retry_at = now + wait_before(page);
}

void page_pace(struct page *page, enum pace pace) {
    int size = OF_A_SLOW_READER;
    if (page->fd < 0) return;
    page->pace = pace;
    if (pace != ALL) setsockopt(page->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    listen_for(page, pace == ALL ? EPOLLIN | EPOLLRDHUP : EPOLLRDHUP);
}
