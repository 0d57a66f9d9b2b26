/* Listens on a free port of the loopback, prints it, and serves connections until the standard input ends. */
#pragma once
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static int run(int *epoll_fd, void (*accept_connection)(int fd), void (*serve)(void *connection, uint32_t events)) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 4096)) return perror("listen"), 1;
  getsockname(listener, (struct sockaddr *)&address, &size);
  *epoll_fd = epoll_create1(0);
  static char parent, listening;
  struct epoll_event for_parent = {.events = EPOLLIN, .data.ptr = &parent};
  struct epoll_event for_listener = {.events = EPOLLIN, .data.ptr = &listening};
  epoll_ctl(*epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &for_parent);
  epoll_ctl(*epoll_fd, EPOLL_CTL_ADD, listener, &for_listener);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  for (;;) {
    struct epoll_event events[256];
    int count = epoll_wait(*epoll_fd, events, 256, -1);
    for (int i = 0; i < count; i++) {
      void *served = events[i].data.ptr;
      if (served == &parent) return 0;
      if (served != &listening) {
        serve(served, events[i].events);
        continue;
      }
      for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        accept_connection(fd);
      }
    }
  }
}
