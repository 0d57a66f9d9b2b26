/*
 * The other side of the benchmark: one thread, one epoll, no library. It does so little that it is faster than
 * nearly every client.
 *
 *     /echo                            sends every frame back, unmasked
 *     /sink?bytes=N                    sends one message for every N bytes that have come
 *     /source?messages=N&size=S&kind=K sends N messages of S bytes for every frame that has come
 *
 * An offer of permessage-deflate is accepted on a path that says `deflate`. Nothing is compressed here: what one
 * direction has compressed, in order, is good for the other one as it is.
 *
 * It prints its port, and ends when its standard input does.
 */
#include "listen.h"

#include <strings.h>

#include "frames.h"

#define READ_BYTES (256 * 1024)
#define BLOCK_BYTES (256 * 1024)
#define HEAD_BYTES 4096
/* So much is sent to one client before others have their turn. */
#define TURN_BYTES (1024 * 1024)

enum mode { HEAD, ECHO, SINK, SOURCE };

/* Whole frames, one behind the other; shared by all connections that want the same. */
struct block {
  size_t size;
  char kind;
  uint8_t *bytes;
  size_t length, frame;
  struct block *next;
};

struct connection {
  int fd;
  enum mode mode;
  /* What epoll was told to look for. */
  uint32_t watched;
  char *head;
  size_t head_length;
  struct frame_reader reader;
  /* What could not be written yet. */
  uint8_t *pending;
  size_t pending_start, pending_end;
  /* The Close frame is answered: the end comes behind what is pending. */
  int is_closed;
  uint64_t sink_every, sink_count;
  struct block *block;
  uint64_t source_messages, source_left;
  size_t source_at;
};

static int epoll_fd;
static struct block *blocks;
static uint8_t in[READ_BYTES];
/* A frame to a client is never longer than the one from it. */
static uint8_t out[READ_BYTES + 64];

/* ── The handshake (RFC 6455 §4.2.2) ── */

static uint32_t rotate(uint32_t value, int bits) { return value << bits | value >> (32 - bits); }

/* SHA-1 (RFC 3174) of a short text. */
static void sha1(const char *text, size_t length, uint8_t digest[20]) {
  uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
  uint8_t message[256] = {0};
  size_t blocks_bytes = (length + 9 + 63) / 64 * 64;
  memcpy(message, text, length);
  message[length] = 0x80;
  for (int i = 0; i < 8; i++) message[blocks_bytes - 1 - i] = (uint8_t)((uint64_t)length * 8 >> (8 * i));
  for (size_t from = 0; from < blocks_bytes; from += 64) {
    uint32_t w[80];
    for (int i = 0; i < 16; i++) {
      const uint8_t *b = message + from + 4 * i;
      w[i] = (uint32_t)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
    }
    for (int i = 16; i < 80; i++) w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (int i = 0; i < 80; i++) {
      uint32_t f = i < 20   ? (b & c) | (~b & d)
                   : i < 40 ? b ^ c ^ d
                   : i < 60 ? (b & c) | (b & d) | (c & d)
                            : b ^ c ^ d;
      uint32_t k = i < 20 ? 0x5A827999 : i < 40 ? 0x6ED9EBA1 : i < 60 ? 0x8F1BBCDC : 0xCA62C1D6;
      uint32_t next = rotate(a, 5) + f + e + k + w[i];
      e = d, d = c, c = rotate(b, 30), b = a, a = next;
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
  }
  for (int i = 0; i < 20; i++) digest[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}

static void base64(const uint8_t *bytes, size_t length, char *text) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < length; i += 3) {
    size_t rest = length - i;
    uint32_t group = bytes[i] << 16 | (rest > 1 ? bytes[i + 1] << 8 : 0) | (rest > 2 ? bytes[i + 2] : 0);
    *text++ = digits[group >> 18];
    *text++ = digits[group >> 12 & 63];
    *text++ = rest > 1 ? digits[group >> 6 & 63] : '=';
    *text++ = rest > 2 ? digits[group & 63] : '=';
  }
  *text = 0;
}

/* The value of a field of the head, cut at its end; empty if there is none. */
static void field(const char *head, const char *name, char *value, size_t room) {
  const char *at = strcasestr(head, name);
  size_t length = 0;
  if (at) {
    at += strlen(name);
    at += strspn(at, ": ");
    while (length < room - 1 && at[length] != '\r') length++;
    memcpy(value, at, length);
  }
  value[length] = 0;
}

static uint64_t parameter(const char *path, const char *name) {
  const char *at = strstr(path, name);
  return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

/* ── Sending ── */

static void watch(struct connection *c) {
  int is_behind = c->pending_end > c->pending_start;
  struct epoll_event event = {.data.ptr = c};
  /* Who does not read is not read from. */
  event.events = is_behind ? EPOLLOUT : EPOLLIN | (c->source_left > 0 ? EPOLLOUT : 0);
  if (event.events == c->watched) return;
  c->watched = event.events;
  epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &event);
}

/* Writes, and keeps what does not go. */
static void put(struct connection *c, const uint8_t *bytes, size_t length) {
  size_t done = 0;
  if (c->pending_end == c->pending_start) {
    ssize_t sent = send(c->fd, bytes, length, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return;
    done = sent < 0 ? 0 : (size_t)sent;
    c->pending_start = c->pending_end = 0;
  }
  if (done == length) return;
  c->pending = realloc(c->pending, c->pending_end + length - done);
  memcpy(c->pending + c->pending_end, bytes + done, length - done);
  c->pending_end += length - done;
}

static void flush_pending(struct connection *c) {
  ssize_t sent = send(c->fd, c->pending + c->pending_start, c->pending_end - c->pending_start, MSG_NOSIGNAL);
  if (sent > 0) c->pending_start += (size_t)sent;
  if (c->pending_start < c->pending_end) return;
  free(c->pending);
  c->pending = NULL;
  c->pending_start = c->pending_end = 0;
  if (c->is_closed) shutdown(c->fd, SHUT_WR);
}

/* ── The source ── */

static struct block *find_block(size_t size, char kind) {
  for (struct block *b = blocks; b; b = b->next)
    if (b->size == size && b->kind == kind) return b;
  static const char text[] = "The quick brown fox jumps over the lazy dog. ";
  struct block *b = calloc(1, sizeof *b);
  uint8_t header[10] = {kind == 't' ? 0x81 : 0x82};
  size_t head = size < 126 ? 2 : size < 65536 ? 4 : 10;
  if (head == 2) header[1] = (uint8_t)size;
  else header[1] = head == 4 ? 126 : 127;
  for (size_t i = 0; i < head - 2; i++) header[head - 1 - i] = (uint8_t)(size >> (8 * i));
  b->size = size, b->kind = kind, b->frame = head + size;
  size_t count = BLOCK_BYTES / b->frame ? BLOCK_BYTES / b->frame : 1;
  b->length = count * b->frame;
  b->bytes = malloc(b->length);
  for (size_t i = 0; i < count; i++) {
    uint8_t *frame = b->bytes + i * b->frame;
    memcpy(frame, header, head);
    for (size_t j = 0; j < size; j++) frame[head + j] = (uint8_t)text[j % (sizeof text - 1)];
  }
  b->next = blocks;
  return blocks = b;
}

static void pump(struct connection *c) {
  for (size_t turn = 0; c->source_left > 0 && turn < TURN_BYTES;) {
    size_t length = c->block->length - c->source_at;
    if (length > c->source_left) length = c->source_left;
    ssize_t sent = send(c->fd, c->block->bytes + c->source_at, length, MSG_NOSIGNAL);
    if (sent <= 0) return;
    c->source_left -= (uint64_t)sent;
    c->source_at = (c->source_at + (size_t)sent) % c->block->length;
    turn += (size_t)sent;
  }
}

/* ── What has come ── */

static void take(struct connection *c, const uint8_t *bytes, size_t length) {
  static const uint8_t done[] = {0x81, 4, 'd', 'o', 'n', 'e'};
  if (c->mode == SINK) {
    c->sink_count += length;
    for (; c->sink_count >= c->sink_every; c->sink_count -= c->sink_every) put(c, done, sizeof done);
    return;
  }
  unsigned frames = 0;
  size_t made = answer(&c->reader, bytes, length, out, &frames);
  if (c->mode == ECHO || c->reader.is_closing) {
    put(c, out, made);
    c->is_closed = c->reader.is_closing && c->reader.payload_left == 0;
    if (c->is_closed && c->pending_end == c->pending_start) shutdown(c->fd, SHUT_WR);
    return;
  }
  c->source_left += frames * c->source_messages * c->block->frame;
  pump(c);
}

/* ── Connections ── */

static void accept_upgrade(struct connection *c, const char *path) {
  char key[160], offer[160], accept[32], response[512];
  uint8_t digest[20];
  field(c->head, "\nsec-websocket-key", key, 64);
  strcat(key, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
  sha1(key, strlen(key), digest);
  base64(digest, sizeof digest, accept);
  field(c->head, "\nsec-websocket-extensions", offer, sizeof offer);
  int deflates = strstr(path, "deflate") && strstr(offer, "permessage-deflate");
  int length = snprintf(response, sizeof response,
                        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Accept: %s\r\n%s\r\n",
                        accept, deflates ? "Sec-WebSocket-Extensions: permessage-deflate\r\n" : "");
  put(c, (uint8_t *)response, (size_t)length);
}

/* Returns how many of the bytes belong to the head. */
static size_t take_head(struct connection *c, const uint8_t *bytes, size_t length) {
  if (!c->head) c->head = malloc(HEAD_BYTES + 1);
  size_t before = c->head_length;
  size_t room = HEAD_BYTES - before;
  size_t count = length < room ? length : room;
  memcpy(c->head + before, bytes, count);
  c->head_length += count;
  c->head[c->head_length] = 0;
  char *end = strstr(c->head, "\r\n\r\n");
  if (!end) return count;
  end[2] = 0;
  char path[512] = "";
  sscanf(c->head, "%*s %511s", path);
  accept_upgrade(c, path);
  c->mode = strncmp(path, "/sink", 5) == 0 ? SINK : strncmp(path, "/source", 7) == 0 ? SOURCE : ECHO;
  c->sink_every = parameter(path, "bytes=");
  if (c->sink_every == 0) c->sink_every = UINT64_MAX;
  c->source_messages = parameter(path, "messages=");
  if (c->mode == SOURCE) c->block = find_block(parameter(path, "size="), strstr(path, "kind=text") ? 't' : 'b');
  size_t used = (size_t)(end + 4 - c->head) - before;
  free(c->head);
  c->head = NULL;
  return used;
}

static void end(struct connection *c) {
  close(c->fd);
  free(c->head);
  free(c->pending);
  free(c);
}

static void serve(void *served, uint32_t events) {
  struct connection *c = served;
  if (events & EPOLLOUT) {
    if (c->pending_end > c->pending_start) flush_pending(c);
    else pump(c);
  }
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
    ssize_t length = recv(c->fd, in, sizeof in, 0);
    if (length == 0 || (length < 0 && errno != EAGAIN)) return end(c);
    size_t at = 0;
    if (length > 0 && c->mode == HEAD) at = take_head(c, in, (size_t)length);
    if (c->mode == HEAD && c->head_length == HEAD_BYTES) return end(c);
    if (length > 0 && at < (size_t)length) take(c, in + at, (size_t)length - at);
  }
  watch(c);
}

static void accept_connection(int fd) {
  struct connection *c = calloc(1, sizeof *c);
  c->fd = fd;
  c->watched = EPOLLIN;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

int main(void) { return run(&epoll_fd, accept_connection, serve); }
