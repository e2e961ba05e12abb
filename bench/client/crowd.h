/* Many pages without a browser, in one thread: sockets that keep their cursor as static/live.js does, or speak Socket.IO. */
#ifndef CROWD_H
#define CROWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MOST_CONTROLS 8
#define HEAD 160           /* so much of a message is looked at, unless all of it is */
#define OWED_EVENTS 50     /* acknowledged at once, as in live.js, times what is the page's own; fewer after one to three seconds */
#define OWED_BYTES (64 * 1024)
#define SLOWEST_RETRY 2000 /* ms, as in live.js */

enum state { AWAY, CONNECTING, SHAKING, OPEN, LIVE };
enum pace { ALL, SLOWLY, NOTHING };
enum protocol { LIVE_PAGES, SOCKET_IO };

struct text {
    char *bytes;
    size_t have, room, keep;
};

struct page {
    int number, port, fd, attempts, code;
    enum state state;
    enum pace pace;
    char *path, *cookie;
    char epoch[40];
    uint64_t seq, got;
    /* what is being received: the answer to the handshake, or a frame */
    struct text text;
    unsigned char header[14];
    size_t header_has, left, size;
    uint64_t owed_events, owed_bytes;
    double own; /* 1 to 2: not all pages acknowledge at the same event */
    bool in_payload;
    /* moments, in ns */
    int64_t acknowledge_at, retry_at, accepted_at, live_at, closed_at;
    unsigned char *seen; /* marks, one bit each */
};

struct options {
    int port, controls[MOST_CONTROLS], control_count, check_every;
    const char *origin_host, *pages;
    enum protocol protocol;
    bool marks;
};

extern struct options options;
extern struct page *pages;
extern int page_count, epoll;
extern int64_t now; /* when the last events were taken */

int64_t clock_ns(void);
void die(const char *why) __attribute__((noreturn));
char *found(const struct text *text, const char *words);
bool number_after(const struct text *text, const char *words, uint64_t *number);

/* page.c */
void load_pages(const char *file);
void page_connect(struct page *page);
void page_ready(struct page *page, uint32_t events);
void page_read(struct page *page, size_t most);
void page_say(struct page *page, const char *words);
void page_lost(struct page *page);
void page_pace(struct page *page, enum pace pace);
bool page_is_open(const struct page *page);

/* frames.c */
void frames_take(struct page *page, const char *bytes, size_t count);
void text_add(struct text *text, const char *bytes, size_t count);
void text_empty(struct text *text);

/* hear.c */
void hear(struct page *page);
void joined(struct page *page);
void acknowledge(struct page *page);

/* tally.c */
extern struct tally {
    uint64_t deliveries, bytes, checked, checked_marks, gaps, resyncs, refused, lost;
} tally;
void tally_delivered(struct page *page, uint64_t more);
void tally_marks(struct page *page, uint64_t deliveries);
void publish_begin(int most, int window, double rate, double seconds);
void publish_go_on(void);
bool publish_is_over(void);
void marks_report(void);

/* commands.c */
void commands_read(void);
void commands_go_on(void);
extern bool coming_back; /* whether lost pages try again */
#endif
