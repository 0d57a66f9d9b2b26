/*
 * The other side over HTTP/2 without TLS (RFC 8441): every stream is accepted, and every frame on it is sent back,
 * unmasked. One thread, one epoll, no library; what came in one read is answered in one write. It reads always, so that
 * no client waits for it: what it holds for a stream is limited by that stream's window.
 *
 * Header fields are not looked at, since all streams are served alike. It prints its port, and ends when its standard
 * input does.
 */
#include "listen.h"

#include "frames.h"

#define FRAME_BYTES 16384
#define FRAME_HEADER 9
#define READ_BYTES (256 * 1024)
#define WINDOW (16 * 1024 * 1024)
/* What is sent by default before SETTINGS say otherwise (RFC 9113 §6.5.2, §6.9.2). */
#define DEFAULT_WINDOW 65535
#define PREFACE_BYTES 24

enum type { DATA = 0, HEADERS = 1, RST_STREAM = 3, SETTINGS = 4, PING = 6, WINDOW_UPDATE = 8 };
enum flag { END_STREAM = 1, ACK = 1, END_HEADERS = 4 };
enum setting { CONCURRENT_STREAMS = 3, INITIAL_WINDOW = 4, CONNECT_PROTOCOL = 8 };

struct buffer {
  uint8_t *bytes;
  size_t start, end, room;
};

struct stream {
  uint32_t id;
  struct frame_reader reader;
  /* What the client may still be sent, and what it has sent since it was told to go on. */
  int64_t window;
  uint32_t consumed;
  /* What waits for a window. */
  struct buffer waiting;
  int has_ended;
};

struct connection {
  int fd;
  uint32_t watched;
  size_t preface_left;
  int64_t window, initial_window;
  uint32_t consumed;
  struct buffer in, out;
  /* By (id - 1) / 2. */
  struct stream **streams;
  size_t room;
  /* Of streams that have something waiting. */
  size_t waiting;
};

static int epoll_fd;
static uint8_t answered[FRAME_BYTES + 64];

/* ── Buffers ── */

static uint8_t *grow(struct buffer *b, size_t length) {
  if (b->start == b->end) b->start = b->end = 0;
  if (b->end + length > b->room) {
    if (b->bytes) memmove(b->bytes, b->bytes + b->start, b->end - b->start);
    b->end -= b->start, b->start = 0;
    if (b->end + length > b->room) b->bytes = realloc(b->bytes, b->room = 2 * (b->end + length));
  }
  uint8_t *at = b->bytes + b->end;
  b->end += length;
  return at;
}

static size_t size_of(const struct buffer *b) { return b->end - b->start; }

/* ── Frames of HTTP/2 (RFC 9113 §4.1) ── */

static uint32_t read32(const uint8_t *b) { return (uint32_t)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3]; }

static void write32(uint8_t *b, uint32_t value) {
  b[0] = (uint8_t)(value >> 24), b[1] = (uint8_t)(value >> 16), b[2] = (uint8_t)(value >> 8), b[3] = (uint8_t)value;
}

static uint8_t *put_frame(struct connection *c, enum type type, uint8_t flags, uint32_t id, size_t length) {
  uint8_t *at = grow(&c->out, FRAME_HEADER + length);
  write32(at, (uint32_t)length << 8 | type);
  at[4] = flags;
  write32(at + 5, id);
  return at + FRAME_HEADER;
}

static void put_update(struct connection *c, uint32_t id, uint32_t *consumed) {
  write32(put_frame(c, WINDOW_UPDATE, 0, id, 4), *consumed);
  *consumed = 0;
}

static void put_settings(struct connection *c) {
  static const uint32_t settings[][2] = {{CONNECT_PROTOCOL, 1}, {INITIAL_WINDOW, WINDOW}, {CONCURRENT_STREAMS, 10000}};
  uint8_t *at = put_frame(c, SETTINGS, 0, 0, sizeof settings / sizeof *settings * 6);
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++, at += 6) {
    at[0] = 0, at[1] = (uint8_t)settings[i][0];
    write32(at + 2, settings[i][1]);
  }
  c->consumed = WINDOW;
  put_update(c, 0, &c->consumed);
}

/* ── Streams ── */

static struct stream *stream_of(struct connection *c, uint32_t id) {
  size_t i = id / 2;
  return (id & 1) && i < c->room ? c->streams[i] : NULL;
}

static void open_stream(struct connection *c, uint32_t id) {
  size_t i = id / 2;
  if (i >= c->room) {
    size_t room = 2 * i + 64;
    c->streams = realloc(c->streams, room * sizeof *c->streams);
    memset(c->streams + c->room, 0, (room - c->room) * sizeof *c->streams);
    c->room = room;
  }
  if (c->streams[i]) return;
  struct stream *s = c->streams[i] = calloc(1, sizeof *s);
  s->id = id;
  s->window = c->initial_window;
  /* The field ":status: 200" is entry 8 of the static table (RFC 7541 appendix A). */
  *put_frame(c, HEADERS, END_HEADERS, id, 1) = 0x88;
}

static void forget_stream(struct connection *c, struct stream *s) {
  if (!s) return;
  if (size_of(&s->waiting) > 0) c->waiting--;
  c->streams[s->id / 2] = NULL;
  free(s->waiting.bytes);
  free(s);
}

/* Sends as much as the windows allow; returns how much that was. */
static size_t send_data(struct connection *c, struct stream *s, const uint8_t *bytes, size_t length) {
  size_t done = 0;
  while (done < length && s->window > 0 && c->window > 0) {
    int64_t count = (int64_t)(length - done);
    if (count > FRAME_BYTES) count = FRAME_BYTES;
    if (count > s->window) count = s->window;
    if (count > c->window) count = c->window;
    memcpy(put_frame(c, DATA, 0, s->id, (size_t)count), bytes + done, (size_t)count);
    s->window -= count, c->window -= count, done += (size_t)count;
  }
  return done;
}

/* After all that was to be sent: the client may send more, or the stream ends. */
static void settle(struct connection *c, struct stream *s) {
  if (s->consumed > WINDOW / 2) put_update(c, s->id, &s->consumed);
  int is_closed = s->reader.is_closing && s->reader.payload_left == 0;
  if (!s->has_ended && !is_closed) return;
  put_frame(c, DATA, END_STREAM, s->id, 0);
  forget_stream(c, s);
}

static void send_waiting(struct connection *c, struct stream *s) {
  if (!s || size_of(&s->waiting) == 0) return;
  s->waiting.start += send_data(c, s, s->waiting.bytes + s->waiting.start, size_of(&s->waiting));
  if (size_of(&s->waiting) > 0) return;
  c->waiting--;
  settle(c, s);
}

static void send_all_waiting(struct connection *c) {
  for (size_t i = 0; i < c->room && c->waiting > 0 && c->window > 0; i++) send_waiting(c, c->streams[i]);
}

static void take_data(struct connection *c, struct stream *s, const uint8_t *bytes, size_t length, int is_last) {
  if ((c->consumed += (uint32_t)length) > WINDOW / 2) put_update(c, 0, &c->consumed);
  if (!s) return;
  unsigned frames = 0;
  size_t made = answer(&s->reader, bytes, length, answered, &frames);
  s->consumed += (uint32_t)length;
  s->has_ended = is_last;
  int was_waiting = size_of(&s->waiting) > 0;
  size_t sent = was_waiting ? 0 : send_data(c, s, answered, made);
  if (sent < made) memcpy(grow(&s->waiting, made - sent), answered + sent, made - sent);
  if (size_of(&s->waiting) == 0) settle(c, s);
  else if (!was_waiting) c->waiting++;
}

/* ── What a client sends ── */

static void take_settings(struct connection *c, const uint8_t *bytes, size_t length) {
  for (; length >= 6; bytes += 6, length -= 6) {
    if (bytes[1] != INITIAL_WINDOW) continue;
    int64_t window = read32(bytes + 2);
    for (size_t i = 0; i < c->room; i++)
      if (c->streams[i]) c->streams[i]->window += window - c->initial_window;
    c->initial_window = window;
  }
  put_frame(c, SETTINGS, ACK, 0, 0);
  send_all_waiting(c);
}

static void take_update(struct connection *c, uint32_t id, uint32_t increment) {
  if (id == 0) {
    c->window += increment;
    send_all_waiting(c);
    return;
  }
  struct stream *s = stream_of(c, id);
  if (!s) return;
  s->window += increment;
  send_waiting(c, s);
}

static void take_frame(struct connection *c, const uint8_t *frame, size_t length) {
  enum type type = frame[3];
  uint8_t flags = frame[4];
  uint32_t id = read32(frame + 5);
  const uint8_t *payload = frame + FRAME_HEADER;
  if (type == DATA) take_data(c, stream_of(c, id), payload, length, flags & END_STREAM);
  else if (type == HEADERS) open_stream(c, id);
  else if (type == RST_STREAM) forget_stream(c, stream_of(c, id));
  else if (type == SETTINGS && !(flags & ACK)) take_settings(c, payload, length);
  else if (type == PING && !(flags & ACK)) memcpy(put_frame(c, PING, ACK, 0, 8), payload, 8);
  else if (type == WINDOW_UPDATE) take_update(c, id, read32(payload));
}

static void take_all(struct connection *c) {
  struct buffer *in = &c->in;
  size_t skipped = size_of(in) < c->preface_left ? size_of(in) : c->preface_left;
  in->start += skipped, c->preface_left -= skipped;
  while (size_of(in) >= FRAME_HEADER) {
    const uint8_t *frame = in->bytes + in->start;
    size_t length = read32(frame) >> 8;
    if (size_of(in) < FRAME_HEADER + length) break;
    take_frame(c, frame, length);
    in->start += FRAME_HEADER + length;
  }
}

/* ── Connections ── */

static void flush_out(struct connection *c) {
  if (size_of(&c->out) > 0) {
    ssize_t sent = send(c->fd, c->out.bytes + c->out.start, size_of(&c->out), MSG_NOSIGNAL);
    if (sent > 0) c->out.start += (size_t)sent;
  }
  struct epoll_event event = {.events = EPOLLIN | (size_of(&c->out) > 0 ? EPOLLOUT : 0), .data.ptr = c};
  if (event.events == c->watched) return;
  c->watched = event.events;
  epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &event);
}

static void end(struct connection *c) {
  close(c->fd);
  for (size_t i = 0; i < c->room; i++) forget_stream(c, c->streams[i]);
  free(c->streams);
  free(c->in.bytes);
  free(c->out.bytes);
  free(c);
}

static void accept_connection(int fd) {
  struct connection *c = calloc(1, sizeof *c);
  c->fd = fd;
  c->preface_left = PREFACE_BYTES;
  c->window = c->initial_window = DEFAULT_WINDOW;
  c->watched = EPOLLIN;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
  epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
  put_settings(c);
  flush_out(c);
}

static void serve(void *served, uint32_t events) {
  struct connection *c = served;
  if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
    uint8_t *at = grow(&c->in, READ_BYTES);
    ssize_t length = recv(c->fd, at, READ_BYTES, 0);
    c->in.end -= READ_BYTES - (size_t)(length > 0 ? length : 0);
    if (length == 0 || (length < 0 && errno != EAGAIN)) return end(c);
    take_all(c);
  }
  flush_out(c);
}

int main(void) { return run(&epoll_fd, accept_connection, serve); }
