/* What is asked for on standard input, one line each, with one line of JSON as the answer. */
#define _GNU_SOURCE
#include "crowd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK 5000000LL   /* ns between two looks at how far we are */
#define PROBE 20000000LL /* ns between two knocks at a door that is shut */

bool coming_back;

static enum { IDLE, OPENING, BEING_LOST, KNOCKING, RETURNING } task;
static int burst;
static bool all_at_once;
static int64_t asked_at, open_at, end, next_knock;

static int in_state(enum state least, enum state most) {
    int count = 0;
    for (struct page *page = pages; page < pages + page_count; page++) count += page->state >= least && page->state <= most;
    return count;
}

static void print_moments(const char *name, size_t offset, int64_t since) {
    bool first = true;
    printf("\"%s\":[", name);
    for (struct page *page = pages; page < pages + page_count; page++) {
        int64_t moment = *(int64_t *)((char *)page + offset);
        if (!moment || page->state < OPEN) continue;
        printf("%s%.2f", first ? "" : ",", (moment - since) / 1e6);
        first = false;
    }
    printf("]");
}

static void answer(int64_t since) {
    task = IDLE;
    coming_back = false;
    printf("{\"live\":%d,\"refused\":%llu,\"gaps\":%llu,\"resyncs\":%llu,\"shut_ms\":%.1f,", in_state(LIVE, LIVE),
           (unsigned long long)tally.refused, (unsigned long long)tally.gaps, (unsigned long long)tally.resyncs, (since - asked_at) / 1e6);
    print_moments("accepted_ms", offsetof(struct page, accepted_at), since);
    printf(",");
    print_moments("live_ms", offsetof(struct page, live_at), since);
    printf("}\n");
}

static void connect_some(int room) {
    for (struct page *page = pages; page < pages + page_count && room > 0; page++)
        if (page->state == AWAY && (!page->closed_at || task == OPENING)) {
            page_connect(page);
            room--;
        }
}

static void connect_all(void) {
    for (struct page *page = pages; page < pages + page_count; page++)
        if (page->state == AWAY) page_connect(page);
}

static void go_on_opening(void) {
    if (in_state(LIVE, LIVE) == page_count || now > end) answer(asked_at);
    else connect_some(burst - in_state(CONNECTING, OPEN));
}

static void go_on_being_lost(void) {
    if (in_state(CONNECTING, LIVE) > 0 && now < end) return;
    asked_at = now;
    task = KNOCKING;
}

/* One page tries the door; when it opens, all come. */
static void go_on_knocking(void) {
    struct page *page = pages;
    if (page->state >= OPEN || page->state == SHAKING) {
        open_at = now;
        task = RETURNING;
        coming_back = true;
        if (all_at_once) connect_all();
    } else if (page->state == AWAY && now >= next_knock) {
        next_knock = now + PROBE;
        page_connect(page);
    } else if (now > end) answer(asked_at);
}

static void (*const going_on[])(void) = {
    [OPENING] = go_on_opening, [BEING_LOST] = go_on_being_lost, [KNOCKING] = go_on_knocking,
};

void commands_go_on(void) {
    static int64_t next;
    if (now < next || task == IDLE) return;
    next = now + LOOK;
    if (task == RETURNING) {
        if (in_state(LIVE, LIVE) == page_count || now > end) answer(open_at);
    } else going_on[task]();
}

static void set_pace(int first, int count, enum pace pace) {
    for (int i = first; i < first + count && i < page_count; i++) page_pace(&pages[i], pace);
    printf("{}\n");
}

static void print_state(int first, int count) {
    printf("{\"live\":%d,\"bytes\":%llu,\"deliveries\":%llu,\"lost\":%llu,\"closed\":[", in_state(LIVE, LIVE),
           (unsigned long long)tally.bytes, (unsigned long long)tally.deliveries, (unsigned long long)tally.lost);
    for (int i = first; i < first + count && i < page_count; i++)
        printf("%s{\"code\":%d,\"at\":%lld}", i > first ? "," : "", pages[i].code, (long long)pages[i].closed_at);
    printf("]}\n");
}

static void begin(int kind, double seconds) {
    task = kind;
    asked_at = now;
    end = now + seconds * 1e9;
}

static void obey(const char *line) {
    int first, count;
    double rate, seconds;
    if (sscanf(line, "open %d %lf", &burst, &seconds) == 2) begin(OPENING, seconds);
    else if (sscanf(line, "return %d %lf", &count, &seconds) == 2) all_at_once = count, begin(BEING_LOST, seconds);
    else if (sscanf(line, "publish %d %d %lf %lf", &first, &count, &rate, &seconds) == 4) publish_begin(first, count, rate, seconds);
    else if (sscanf(line, "stop %d %d", &first, &count) == 2) set_pace(first, count, NOTHING);
    else if (sscanf(line, "slow %d %d", &first, &count) == 2) set_pace(first, count, SLOWLY);
    else if (sscanf(line, "state %d %d", &first, &count) == 2) print_state(first, count);
    else if (!strncmp(line, "marks", 5)) marks_report();
    else fprintf(stderr, "crowd: not understood: %s\n", line);
}

void commands_read(void) {
    char line[1024];
    ssize_t count = read(STDIN_FILENO, line, sizeof line - 1);
    if (count <= 0) exit(0);
    line[count] = 0;
    obey(line);
}
