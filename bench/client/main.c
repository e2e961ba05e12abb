/* crowd PORT [--control PORT]... [--protocol live|socketio] [--check-every N] [--marks] --pages FILE; commands come on standard input. */
#define _GNU_SOURCE
#include "crowd.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define TICK 20       /* ms between two looks at what is due */
#define A_SECOND 1000 /* ms between two sips of a slow reader */

struct options options = {.check_every = 100, .origin_host = "127.0.0.1"};
int epoll;
int64_t now;

int64_t clock_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

void die(const char *why) {
    fprintf(stderr, "crowd: %s: %s\n", why, strerror(errno));
    exit(1);
}

static void read_options(int count, char **words) {
    static const struct option known[] = {
        {"control", required_argument, 0, 'c'}, {"protocol", required_argument, 0, 'p'},
        {"check-every", required_argument, 0, 'e'}, {"marks", no_argument, 0, 'm'},
        {"pages", required_argument, 0, 'f'}, {0},
    };
    for (int option; (option = getopt_long(count, words, "", known, NULL)) != -1;) {
        if (option == 'c' && options.control_count < MOST_CONTROLS) options.controls[options.control_count++] = atoi(optarg);
        else if (option == 'p') options.protocol = strcmp(optarg, "socketio") ? LIVE_PAGES : SOCKET_IO;
        else if (option == 'e') options.check_every = atoi(optarg);
        else if (option == 'm') options.marks = true;
        else if (option == 'f') options.pages = optarg;
        else exit(2);
    }
    if (optind >= count || !options.pages) {
        fprintf(stderr, "usage: crowd PORT --pages FILE [--control PORT] [--protocol live|socketio]\n");
        exit(2);
    }
    options.port = atoi(words[optind]);
}

static void sip(void) {
    static int64_t next;
    if (now < next) return;
    next = now + A_SECOND * 1000000LL;
    for (struct page *page = pages; page < pages + page_count; page++)
        if (page->pace == SLOWLY && page_is_open(page)) page_read(page, 1024);
}

static void do_what_is_due(void) {
    static int64_t next;
    if (now < next) return;
    next = now + TICK * 1000000LL;
    for (struct page *page = pages; page < pages + page_count; page++) {
        if (page->acknowledge_at && page->acknowledge_at <= now && page->state == LIVE) acknowledge(page);
        if (coming_back && page->state == AWAY && page->retry_at && page->retry_at <= now) page_connect(page);
    }
    sip();
}

static void take_events(void) {
    struct epoll_event events[512];
    int count = epoll_wait(epoll, events, 512, publish_is_over() ? TICK : 1);
    now = clock_ns();
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr) page_ready(events[i].data.ptr, events[i].events);
        else commands_read();
    }
}

int main(int count, char **words) {
    signal(SIGPIPE, SIG_IGN);
    read_options(count, words);
    setvbuf(stdout, NULL, _IOLBF, 0);
    epoll = epoll_create1(0);
    struct epoll_event standard_input = {.events = EPOLLIN};
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &standard_input)) die("epoll");
    load_pages(options.pages);
    now = clock_ns();
    for (;;) {
        take_events();
        do_what_is_due();
        publish_go_on();
        commands_go_on();
    }
}
