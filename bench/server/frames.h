/* Frames of WebSocket as a client sends them (RFC 6455 §5.2), and their answer: the same frames, unmasked. */
#pragma once
#include <stdint.h>
#include <string.h>

#define CLOSE_OPCODE 8

/* The frame that is coming in: its header as far as it is there, then what is left of its payload. */
struct frame_reader {
  uint8_t header[14];
  unsigned header_length;
  uint64_t payload_left;
  uint8_t key[4];
  int is_closing;
};

/* How long the header is, as far as can be told. */
static unsigned header_size(const struct frame_reader *r) {
  if (r->header_length < 2) return 2;
  unsigned length = r->header[1] & 0x7f;
  return 2 + (length == 126 ? 2 : length == 127 ? 8 : 0) + 4;
}

/* Takes the header of a frame, and writes that of the frame back; returns its length. */
static size_t begin_frame(struct frame_reader *r, uint8_t *to) {
  unsigned size = header_size(r);
  memcpy(to, r->header, size - 4);
  to[1] &= 0x7f;
  memcpy(r->key, r->header + size - 4, 4);
  r->payload_left = size == 6 ? r->header[1] & 0x7f : 0;
  for (unsigned i = 2; i < size - 4; i++) r->payload_left = r->payload_left << 8 | r->header[i];
  if ((r->header[0] & 15) == CLOSE_OPCODE) r->is_closing = 1;
  r->header_length = 0;
  return size - 4;
}

static void unmask(uint8_t *to, const uint8_t *from, size_t length, uint8_t key[4]) {
  uint64_t wide;
  size_t i = 0;
  memcpy(&wide, key, 4);
  memcpy((uint8_t *)&wide + 4, key, 4);
  for (; i + 8 <= length; i += 8) {
    uint64_t word;
    memcpy(&word, from + i, 8);
    word ^= wide;
    memcpy(to + i, &word, 8);
  }
  for (; i < length; i++) to[i] = from[i] ^ key[i & 3];
  /* What follows goes on where this ended. */
  uint8_t turned[4];
  for (int j = 0; j < 4; j++) turned[j] = key[(length + (size_t)j) & 3];
  memcpy(key, turned, 4);
}

/*
 * Makes the answer of all frames in the bytes, and returns its length: never more than theirs and a header. Counts the
 * frames that end in them.
 */
static size_t answer(struct frame_reader *r, const uint8_t *bytes, size_t length, uint8_t *to, unsigned *frames) {
  size_t made = 0;
  for (size_t at = 0; at < length;) {
    if (r->payload_left > 0) {
      size_t count = length - at < r->payload_left ? length - at : r->payload_left;
      unmask(to + made, bytes + at, count, r->key);
      at += count, made += count;
      if (!(r->payload_left -= count)) ++*frames;
      continue;
    }
    r->header[r->header_length++] = bytes[at++];
    if (r->header_length < 2 || r->header_length < header_size(r)) continue;
    made += begin_frame(r, to + made);
    if (r->payload_left == 0) ++*frames;
  }
  return made;
}
