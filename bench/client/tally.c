/* What arrived: deliveries of what we had published ourselves, and the moments when a mark had reached the last page. */
#define _GNU_SOURCE
#include "crowd.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define MOST_MARKS 65536
#define PATIENCE 30000000000LL /* for the last deliveries */

struct tally tally;

static struct run {
    bool going;
    int most, window, sent, done, readers;
    int64_t every, next, end, begun, finished;
    double cpu;
    int64_t *sent_at, *done_at;
    int *reached;
} run;
static struct tally at_start;
static int controls[MOST_CONTROLS], published;
static struct mark { int reached; int64_t last; } marks[MOST_MARKS];

static double cpu(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static int dialled(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1, control = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (control < 0 || connect(control, (struct sockaddr *)&address, sizeof address)) die("control");
    setsockopt(control, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return control;
}

static void tell(const char *words, size_t size) {
    for (int i = 0; i < options.control_count; i++) {
        if (!controls[i]) controls[i] = dialled(options.controls[i]);
        if (size && send(controls[i], words, size, MSG_NOSIGNAL) != (ssize_t)size) die("control");
    }
}

static void *zeros(int count, size_t size) {
    void *memory = calloc(count, size);
    if (!memory) die("memory");
    return memory;
}

static int readers(void) {
    int count = 0;
    for (struct page *page = pages; page < pages + page_count; page++) {
        page->got = 0;
        count += page->state == LIVE && page->pace == ALL;
    }
    return count;
}

void publish_begin(int most, int window, double rate, double seconds) {
    tell("", 0);
    free(run.sent_at), free(run.done_at), free(run.reached);
    run = (struct run){.going = true, .most = most, .window = window, .readers = readers(), .begun = now, .cpu = cpu()};
    run.every = rate > 0 ? 1e9 / rate : 0;
    run.next = now;
    run.end = now + seconds * 1e9;
    run.sent_at = zeros(most, sizeof *run.sent_at);
    run.done_at = zeros(most, sizeof *run.done_at);
    run.reached = zeros(most, sizeof *run.reached);
    at_start = tally;
}

bool publish_is_over(void) { return !run.going; }

static void publish_what_may_be(void) {
    char words[8192];
    size_t size = 0;
    while (run.sent < run.most && run.sent - run.done < run.window && now < run.end && now >= run.next && size < sizeof words - 16) {
        run.sent_at[run.sent++] = clock_ns();
        run.next += run.every;
        size += sprintf(words + size, "%d\n", published++);
    }
    if (size) tell(words, size);
}

static void print_times(void) {
    printf("\"ms\":[");
    for (int i = 0; i < run.done; i++) printf("%s%.3f", i ? "," : "", (run.done_at[i] - run.sent_at[i]) / 1e6);
    printf("]");
}

static void report(void) {
    run.going = false;
    printf("{\"seconds\":%.6f,\"published\":%d,\"completed\":%d,\"pages\":%d,\"deliveries\":%llu,\"bytes\":%llu,\"cpu\":%.3f,",
           ((run.finished ? run.finished : now) - run.begun) / 1e9, run.sent, run.done, run.readers,
           (unsigned long long)(tally.deliveries - at_start.deliveries), (unsigned long long)(tally.bytes - at_start.bytes), cpu() - run.cpu);
    printf("\"checked\":%llu,\"marks\":%llu,\"gaps\":%llu,\"resyncs\":%llu,\"lost\":%llu,",
           (unsigned long long)(tally.checked - at_start.checked), (unsigned long long)(tally.checked_marks - at_start.checked_marks),
           (unsigned long long)(tally.gaps - at_start.gaps), (unsigned long long)(tally.resyncs - at_start.resyncs),
           (unsigned long long)(tally.lost - at_start.lost));
    print_times();
    printf("}\n");
}

void publish_go_on(void) {
    if (!run.going) return;
    publish_what_may_be();
    bool all_sent = run.sent == run.most || now >= run.end;
    if ((all_sent && run.done == run.sent) || now > run.end + PATIENCE) report();
}

void tally_delivered(struct page *page, uint64_t more) {
    tally.deliveries += more;
    if (!run.going || page->pace != ALL) {
        page->got += more;
        return;
    }
    for (uint64_t number = page->got; number < page->got + more && number < (uint64_t)run.sent; number++)
        if (++run.reached[number] == run.readers) {
            run.done_at[number] = run.finished = clock_ns();
            run.done = number + 1;
        }
    page->got += more;
}

static void see(struct page *page, unsigned long mark) {
    if (mark >= MOST_MARKS) return;
    if (!page->seen) page->seen = zeros(MOST_MARKS / 8, 1);
    if (page->seen[mark / 8] & 1 << mark % 8) return;
    page->seen[mark / 8] |= 1 << mark % 8;
    marks[mark].reached++;
    marks[mark].last = now;
}

/* Each payload of a bench carries bench-N once. */
void tally_marks(struct page *page, uint64_t deliveries) {
    char *at = page->text.bytes, *end = at + page->text.have;
    tally.checked += deliveries;
    while ((at = memmem(at, end - at, "bench-", 6))) {
        at += 6;
        tally.checked_marks++;
        if (options.marks) see(page, strtoul(at, NULL, 10));
    }
}

/* For each mark: how many pages saw it, and when the last of them, on the system's monotonic clock. */
void marks_report(void) {
    bool first = true;
    printf("{\"marks\":{");
    for (int i = 0; i < MOST_MARKS; i++) {
        if (!marks[i].reached) continue;
        printf("%s\"%d\":[%d,%lld]", first ? "" : ",", i, marks[i].reached, (long long)marks[i].last);
        first = false;
    }
    printf("},\"cpu\":%.3f}\n", cpu());
}
