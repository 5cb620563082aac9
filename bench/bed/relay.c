// A wire between two interfaces that takes time and loses frames: relay A B DELAY_MS LOSS_AB_% LOSS_BA_%
// The rate is the kernel's (tbf); kernels without netem have no delay of their own.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

enum { RING = 65536, MAX_FRAME = 1600, AT_ONCE = 256, BUFFER = 64 << 20 };
static const long long SECOND = 1000000000LL;

struct frame {
  long long due;
  int length;
  unsigned char bytes[MAX_FRAME];
};

struct direction {
  int in, out;
  double loss;
  struct frame *ring;
  unsigned head, tail;
};

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * SECOND + t.tv_nsec;
}

static int packet_socket(const char *name) {
  int one = 1, size = BUFFER;
  int s = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));
  struct sockaddr_ll address = {
      .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)if_nametoindex(name)};
  if (s < 0 || bind(s, (struct sockaddr *)&address, sizeof address) != 0) {
    perror(name);
    exit(1);
  }
  setsockopt(s, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
  setsockopt(s, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
  setsockopt(s, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one);
  return s;
}

static void take_in(struct direction *d, long long delay, unsigned *seed) {
  for (int i = 0; i < AT_ONCE && d->tail - d->head < RING - 1; i++) {
    struct frame *f = &d->ring[d->tail % RING];
    int got = (int)recv(d->in, f->bytes, MAX_FRAME, MSG_TRUNC);
    if (got <= 0) return;
    if (got > MAX_FRAME || (d->loss > 0 && rand_r(seed) < d->loss * RAND_MAX)) continue;
    f->length = got;
    f->due = now() + delay;
    d->tail++;
  }
}

static long long give_out(struct direction *d, long long next) {
  for (long long at = now(); d->head != d->tail; d->head++) {
    struct frame *f = &d->ring[d->head % RING];
    if (f->due > at) return f->due < next ? f->due : next;
    if (send(d->out, f->bytes, (size_t)f->length, 0) < 0 && errno == ENETDOWN) exit(0);
  }
  return next;
}

int main(int count, char **words) {
  if (count != 6) {
    fprintf(stderr, "usage: relay A B DELAY_MS LOSS_AB_%% LOSS_BA_%%\n");
    return 2;
  }
  prctl(PR_SET_TIMERSLACK, 1000);
  int a = packet_socket(words[1]), b = packet_socket(words[2]);
  long long delay = (long long)(atof(words[3]) * 1e6);
  struct direction d[2] = {{a, b, atof(words[4]) / 100, NULL, 0, 0}, {b, a, atof(words[5]) / 100, NULL, 0, 0}};
  for (int i = 0; i < 2; i++) d[i].ring = malloc(sizeof(struct frame) * RING);
  for (unsigned seed = 12345;;) {
    long long next = now() + SECOND;
    for (int i = 0; i < 2; i++) take_in(&d[i], delay, &seed);
    for (int i = 0; i < 2; i++) next = give_out(&d[i], next);
    long long wait = next - now();
    struct timespec t = {wait < 0 ? 0 : wait / SECOND, wait < 0 ? 0 : wait % SECOND};
    struct pollfd ready[2] = {{a, POLLIN, 0}, {b, POLLIN, 0}};
    ppoll(ready, 2, &t, NULL);
  }
}
