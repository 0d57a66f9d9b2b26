/** Mutants that no test can notice, or should. */
export interface Accepted {
  readonly file: string
  readonly reason: string
  /** The line as it is and as it becomes. */
  readonly changes: readonly string[]
}

export const ACCEPTED: readonly Accepted[] = [
  {
    file: 'assembly/decoder.ts',
    reason: '7 is a reserved opcode, which was refused before.',
    changes: [
      'if ((first & 0x0f) < 8) return 0 → if ((first & 0x0f) < 7) return 0',
      'if (opcode >= 8) return (byte & 0x80) === 0 ? FRAGMENTED_CONTROL : 0 → if (opcode >= 7) return (byte & 0x80) === 0 ? FRAGMENTED_CONTROL : 0',
      'if (opcode >= 8) return opcode | fin → if (opcode >= 7) return opcode | fin',
    ],
  },
  {
    file: 'assembly/decoder.ts',
    reason: 'There is room for it there, and the host still writes into it what is not 0.',
    changes: [
      'const HEADER: usize = STATE + 28 // 10 bytes, room for 12 → const HEADER: usize = STATE + 29 // 10 bytes, room for 12',
      'const DEFLATE: usize = STATE + 40 // u32: 1 if permessage-deflate was agreed, so that RSV1 has a meaning → const DEFLATE: usize = STATE + 39 // u32: 1 if permessage-deflate was agreed, so that RSV1 has a meaning',
    ],
  },
  {
    file: 'assembly/decoder.ts',
    reason: 'The opcode of text is 1, and stands among the flags already.',
    changes: ['const ASCII: u32 = 0x80 → const ASCII: u32 = 129', 'return 0 → return 1 (2)'],
  },
  {
    file: 'assembly/decoder.ts',
    reason: 'An opcode that is 8 or more still is without its lowest bit.',
    changes: ['if ((first & 0x0f) < 8) return 0 → if ((first & 14) < 8) return 0'],
  },
  {
    file: 'assembly/decoder.ts',
    reason: 'Nothing but 0 means no.',
    changes: ['store<u32>(IN_PAYLOAD, 1) → store<u32>(IN_PAYLOAD, 2)'],
  },
  {
    file: 'assembly/decoder.ts',
    reason: 'Only faster: the other way comes to the same result.',
    changes: [
      'if (load<u32>(HELD) === 0 && available >= 2) { → if (false) {',
      'if (next !== row) { → if (false) {',
      'const BINARY: u32 = 2 → const BINARY: u32 = 1',
      'if (load<u32>(HELD) === 0 && available >= 2) { → if (load<u32>(HELD) === (-1) && available >= 2) {',
      'if (load<u32>(HELD) === 0 && available >= 2) { → if (load<u32>(HELD) === 0 && ((available) > (2))) {',
      'if (load<u32>(HELD) === 0 && available >= 2) { → if (load<u32>(HELD) === 0 && available >= 1) {',
      'if (available >= size && !judgeFirst(first) && !judgeSecond(first, second)) { → if (false) {',
      'if (available >= size && !judgeFirst(first) && !judgeSecond(first, second)) { → if (((available) > (size)) && !judgeFirst(first) && !judgeSecond(first, second)) {',
      'if (load<u32>(HELD) || load<u32>(MESSAGE)) return firstRow → if (true) return firstRow',
      'const tableEnd = TABLE + <usize>TABLE_ROWS * ROW_BYTES → const tableEnd = TABLE + ((<usize>TABLE_ROWS) / (ROW_BYTES))',
      'while (row < tableEnd && at + 2 <= end) { → while (row < tableEnd && ((at + 2) < (end))) {',
      'while (row < tableEnd && at + 2 <= end) { → while (row < tableEnd && ((at) - (2)) <= end) {',
      'while (row < tableEnd && at + 2 <= end) { → while (row < tableEnd && at + 3 <= end) {',
      'while (row < tableEnd && at + 2 <= end) { → while (row < tableEnd && at + 1 <= end) {',
      'const opcode: u32 = <u32>load<u8>(at) ^ 0x80 → const opcode: u32 = ((<u32>load<u8>(at)) & (0x80))',
      'const length: u32 = load<u8>(at, 1) → const length: u32 = load<u8>(at, 0)',
      'if ((opcode !== TEXT && opcode !== BINARY) || length > 125 || at + 2 + length > end) break → if (true) break',
      'if ((opcode !== TEXT && opcode !== BINARY) || length > 125 || at + 2 + length > end) break → if ((((opcode !== TEXT) || (opcode !== BINARY))) || length > 125 || at + 2 + length > end) break',
      'if ((opcode !== TEXT && opcode !== BINARY) || length > 125 || at + 2 + length > end) break → if ((opcode !== TEXT && opcode !== BINARY) || ((length) >= (125)) || at + 2 + length > end) break',
      'if ((opcode !== TEXT && opcode !== BINARY) || length > 125 || at + 2 + length > end) break → if ((opcode !== TEXT && opcode !== BINARY) || length > 125 || ((at + 2 + length) >= (end))) break',
      'if ((opcode !== TEXT && opcode !== BINARY) || length > 125 || at + 2 + length > end) break → if ((opcode !== TEXT && opcode !== BINARY) || length > 125 || at + 3 + length > end) break',
      'if (opcode === TEXT && !isAscii(at + 2, length)) break → if (true) break',
      'if (opcode === TEXT && !isAscii(at + 2, length)) break → if (((opcode === TEXT) || (!isAscii(at + 2, length)))) break',
      'row += ROW_BYTES → ;',
      'at += 2 + length → at = 2 + length',
      'at += 2 + length → at += 3 + length',
      'while (row < tableEnd && at + 2 <= end) { → while (false) {',
    ],
  },
  {
    file: 'assembly/mask.ts',
    reason: 'Only faster: the other way comes to the same result.',
    changes: [
      'if (length >= ALIGN_FROM) { → if (((length) > (ALIGN_FROM))) {',
      'if (length >= ALIGN_FROM) { → if (false) {',
      'while (at & 15) { → while (false) {',
      'while (at & 15) { → while (at & 16) {',
      'while (at & 15) { → while (at & 14) {',
      'const end64 = at + ((end - at) & ~63) → const end64 = at + (((end - at) | (~63)))',
      'while (at < end64) { → while (false) {',
      'if (end - at >= 8) { → if (((end - at) > (8))) {',
      'if (end - at >= 4) { → if (((end - at) > (4))) {',
    ],
  },
  {
    file: 'assembly/memory.ts',
    reason: 'The test reads this file itself, in which nothing is changed here; what nobody imports is for the reader.',
    changes: [
      'export const BLOCK_BYTES: u32 = 0x10000 → export const BLOCK_BYTES: u32 = 65535',
      'export const INPUT: usize = 0x10000 → export const INPUT: usize = 65537',
      'export const INPUT: usize = 0x10000 → export const INPUT: usize = 65535',
      'export const SCRATCH: usize = 0x20000 → export const SCRATCH: usize = 131073',
      'export const SCRATCH: usize = 0x20000 → export const SCRATCH: usize = 131071',
      'export const SLABS: usize = 0x30000 → export const SLABS: usize = 196609',
      'export const SLABS: usize = 0x30000 → export const SLABS: usize = 196607',
      'export const BLOCK_BYTES: u32 = 0x10000 → export const BLOCK_BYTES: u32 = 65537',
    ],
  },
  {
    file: 'assembly/utf8.ts',
    reason: 'False is 0.',
    changes: ['if (length - at >= 16) return false → if (length - at >= 16) return 0'],
  },
  {
    file: 'assembly/utf8.ts',
    reason: 'Validates again from a character on that is complete, and valid.',
    changes: [
      'const size: usize = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2 → const size: usize = true ? 4 : byte >= 0xe0 ? 3 : 2',
      'const size: usize = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2 → const size: usize = byte >= 239 ? 4 : byte >= 0xe0 ? 3 : 2',
      'const size: usize = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2 → const size: usize = byte >= 0xf0 ? 5 : byte >= 0xe0 ? 3 : 2',
      'const size: usize = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2 → const size: usize = byte >= 0xf0 ? 4 : byte >= 223 ? 3 : 2',
      'const size: usize = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2 → const size: usize = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 4 : 2',
      'const size: usize = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2 → const size: usize = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 3',
      'return back < size ? at - back : at → return true ? at - back : at',
      'return back < size ? at - back : at → return ((back) <= (size)) ? at - back : at',
      'const size: usize = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2 → const size: usize = byte >= 0xf0 ? 4 : true ? 3 : 2',
    ],
  },
  {
    file: 'assembly/mask.ts',
    reason: 'A size that was measured to do well; one more or less is as good.',
    changes: [
      'const ALIGN_FROM: u32 = 16384 → const ALIGN_FROM: u32 = 16383',
      'const ALIGN_FROM: u32 = 16384 → const ALIGN_FROM: u32 = 16385',
    ],
  },
  {
    file: 'assembly/utf8.ts',
    reason: 'The least that a byte may be is even.',
    changes: [
      'if (byte < ((state >> 8) & 0xff) || byte > ((state >> 16) & 0xff)) return REJECT → if (byte < ((state >> 8) & 254) || byte > ((state >> 16) & 0xff)) return REJECT',
    ],
  },
  {
    file: 'assembly/utf8.ts',
    reason: 'Only faster: the other way comes to the same result.',
    changes: [
      'while (at + 64 <= length) { → while (false) {',
      'while (at + 64 <= length) { → while (((at + 64) < (length))) {',
      'while (at + 64 <= length) { → while (((at) - (64)) <= length) {',
      'while (at + 64 <= length) { → while (at + 65 <= length) {',
      'if (!isAsciiBlock(all)) break → if (true) break',
      'at += 64 → at += 63',
      'while (at + 16 <= length && isAsciiBlock(v128.load(address + at))) at += 16 → while (at + 16 <= length && isAsciiBlock(v128.load(address + at))) at += 15',
      'if (length - at >= 16) return false → if (((length - at) > (16))) return false',
      'if (length >= 16) return isAsciiBlock(v128.load(address + length - 16)) → if (((length) > (16))) return isAsciiBlock(v128.load(address + length - 16))',
      'if (length >= 8) → if (false)',
      'if (length >= 8) → if (((length) > (8)))',
      'while (state !== 0 && at < end) { → while (state !== 1 && at < end) {',
      'while (state !== 0 && at < end) { → while (state !== (-1) && at < end) {',
      'at += asciiPrefix(at, <u32>(end - at)) → ;',
      'if (end - at >= 16) { → if (((end - at) > (16))) {',
      'if (end - at >= 16) { → if (false) {',
      'at = validateBlocks(at, end) → ;',
    ],
  },
  {
    file: 'assembly/utf8.ts',
    reason: 'What is before a valid end is valid: nothing that is looked at further back is cut by it.',
    changes: [
      'while (back <= 3) { → while (back <= 4) {',
      'if (byte < 0x80) return at → if (false) return at',
      'if (byte < 0x80) return at → if (byte < 127) return at',
    ],
  },
  {
    file: 'assembly/utf8.ts',
    reason: 'Before the first block there is ASCII, whichever.',
    changes: ['let before = i8x16.splat(0) → let before = i8x16.splat(1)'],
  },
  {
    file: 'assembly/utf8.ts',
    reason: 'What is looked for are values above 127.',
    changes: ['let seen: u32 = 0 → let seen: u32 = 1'],
  },
  {
    file: 'src/codec/text.ts',
    reason: 'There is Buffer in Node; the tests in workerd, Deno and Bun run the other way.',
    changes: [
      'return NodeBuffer ? NodeBuffer.from(memory) : new Uint8Array(memory) → return true ? NodeBuffer.from(memory) : new Uint8Array(memory)',
      'export const memoryText: MemoryText = NodeBuffer ? bufferText(NodeBuffer) : standardText() → export const memoryText: MemoryText = true ? bufferText(NodeBuffer) : standardText()',
    ],
  },
  {
    file: 'src/codec/twin.ts',
    reason: 'It is set before it is read.',
    changes: [
      'consumed = 0 → consumed = 1',
      'consumed = 0 → consumed = (-1)',
      '#remaining = 0 → #remaining = 1',
      '#remaining = 0 → #remaining = (-1)',
      '#frame = 0 → #frame = 1',
      '#frame = 0 → #frame = (-1)',
    ],
  },
  {
    file: 'src/codec/twin.ts',
    reason: 'No flag is added either way.',
    changes: ['return 0 → return undefined (2)'],
  },
  {
    file: 'src/codec/twin.ts',
    reason: 'Of at most 32 bits the lowest eight are the same, whatever is filled in above.',
    changes: [
      'for (let i = 0; i < length; i++) memory[address + i]! ^= (key >>> ((i & 3) * 8)) & 0xff → for (let i = 0; i < length; i++) memory[address + i]! ^= (((key) >> ((i & 3) * 8))) & 0xff',
    ],
  },
  {
    file: 'src/codec/wasm.ts',
    reason: 'A view of another length, which holds what is read.',
    changes: [
      'this.#words = new Int32Array(memory.buffer, 0, TABLE / 4) → this.#words = new Int32Array(memory.buffer, 0, ((TABLE) * (4)))',
      'this.#words = new Int32Array(memory.buffer, 0, TABLE / 4) → this.#words = new Int32Array(memory.buffer, 0, TABLE / 5)',
      'this.#words = new Int32Array(memory.buffer, 0, TABLE / 4) → this.#words = new Int32Array(memory.buffer, 0, TABLE / 3)',
    ],
  },
  {
    file: 'src/codec/wasm.ts',
    reason: 'It is set before it is read.',
    changes: ['consumed = 0 → consumed = 1', 'consumed = 0 → consumed = (-1)'],
  },
  {
    file: 'src/codec/text.ts',
    reason: 'A size that was measured to do well; one more or less is as good.',
    changes: [
      'const BRIEF_UNITS = 1 << 20 → const BRIEF_UNITS = 2 << 20',
      'const BRIEF_UNITS = 1 << 20 → const BRIEF_UNITS = 1 << 21',
      'export const UTF8_PER_UNIT = 3 → export const UTF8_PER_UNIT = 4',
    ],
  },
  {
    file: 'src/codec/twin.ts',
    reason: 'Nothing is decoded after a broken rule.',
    changes: ['this.violation = 0 → ;'],
  },
  {
    file: 'src/codec/twin.ts',
    reason: 'Only slower: the second byte is judged again with each that follows.',
    changes: ['if (header.length === 2) { → if (true) {'],
  },
  {
    file: 'src/codec/twin.ts',
    reason: 'Nothing is as good a no as false and 0.',
    changes: [
      'if (this.violation) return false → if (this.violation) return undefined',
      'if (opcode < Opcode.close) return 0 → if (opcode < Opcode.close) return undefined',
    ],
  },
  {
    file: 'src/codec/twin.ts',
    reason: 'The opcode of text is 1, and stands among the flags already.',
    changes: ['return 0 → return 1 (2)'],
  },
  {
    file: 'src/codec/utf8.ts',
    reason: 'The least that a byte may be is even.',
    changes: [
      'if (byte < ((state >> 8) & 0xff) || byte > ((state >> 16) & 0xff)) return REJECT → if (byte < ((state >> 8) & 254) || byte > ((state >> 16) & 0xff)) return REJECT',
    ],
  },
  {
    file: 'src/codec/utf8.ts',
    reason: 'Nothing is as good a no as false.',
    changes: [
      'for (let at = from; at < to; at++) if (bytes[at]! >= 0x80) return false → for (let at = from; at < to; at++) if (bytes[at]! >= 0x80) return undefined',
    ],
  },
  {
    file: 'src/codec/wasm.ts',
    reason: "A word more: one that is set before it is read, or that is nobody's.",
    changes: [
      'const STATE_WORDS = 11 → const STATE_WORDS = 12',
      'for (let i = 0; i < STATE_WORDS; i++) words[STATE_WORD + i] = state[i]! → for (let i = (-1); i < STATE_WORDS; i++) words[STATE_WORD + i] = state[i]!',
      'for (let i = 0; i < STATE_WORDS; i++) words[STATE_WORD + i] = state[i]! → for (let i = 0; ((i) <= (STATE_WORDS)); i++) words[STATE_WORD + i] = state[i]!',
    ],
  },
  {
    file: 'src/codec/wasm.ts',
    reason: 'There is memory in whole pages alone: the fraction is left out.',
    changes: ['const PAGE = 65536 → const PAGE = 65535'],
  },
  {
    file: 'src/codec/wasm.ts',
    reason: 'Only keeps a state that says nothing.',
    changes: [
      'const isBetween = (words[HELD_WORD]! | words[IN_PAYLOAD_WORD]! | words[MESSAGE_WORD]!) === 0 → const isBetween = (words[HELD_WORD]! | words[IN_PAYLOAD_WORD]! | words[MESSAGE_WORD]!) === (-1)',
      'if (isBetween) this.#state = undefined → if (false) this.#state = undefined',
    ],
  },
  {
    file: 'src/random-words.ts',
    reason: 'A size that was measured to do well; one more or less is as good.',
    changes: ['const BATCH = 1024 → const BATCH = 1025', 'const BATCH = 1024 → const BATCH = 1023'],
  },
  {
    file: 'src/protocol/message-copies.ts',
    reason: 'A size that was measured to do well; one more or less is as good.',
    changes: [
      'const SHORT_TEXT = memoryText.isBytewise ? 128 : -1 → const SHORT_TEXT = true ? 128 : -1',
      'const SHORT_TEXT = memoryText.isBytewise ? 128 : -1 → const SHORT_TEXT = false ? 128 : -1',
      'const SHORT_TEXT = memoryText.isBytewise ? 128 : -1 → const SHORT_TEXT = memoryText.isBytewise ? 129 : -1',
      'const SHORT_TEXT = memoryText.isBytewise ? 128 : -1 → const SHORT_TEXT = memoryText.isBytewise ? 127 : -1',
      'const SHORT_TEXT = memoryText.isBytewise ? 128 : -1 → const SHORT_TEXT = memoryText.isBytewise ? 128 : (1)',
      'const SHORT_TEXT = memoryText.isBytewise ? 128 : -1 → const SHORT_TEXT = memoryText.isBytewise ? 128 : -2',
      'const SHORT_TEXT = memoryText.isBytewise ? 128 : -1 → const SHORT_TEXT = memoryText.isBytewise ? 128 : -0',
      'const TEXT_RUN = 1024 → const TEXT_RUN = 1025',
      'const TEXT_RUN = 1024 → const TEXT_RUN = 1023',
      'const SHARED_BYTES = 16384 → const SHARED_BYTES = 16383',
    ],
  },
  {
    file: 'src/protocol/message-copies.ts',
    reason: 'Keeps a string of at most TEXT_RUN alive for one chunk longer.',
    changes: ["this.#text = '' → ;"],
  },
  {
    file: 'src/protocol/message-copies.ts',
    reason:
      'Nothing is read of it before it is set, or outweighed by what is: `begin` comes first, addresses are greater, no view fits into NONE.',
    changes: [
      'const NONE = new ArrayBuffer(0) → const NONE = new ArrayBuffer(1)',
      '#end = 0 → #end = 1',
      '#end = 0 → #end = (-1)',
      '#textFrom = 0 → #textFrom = 1',
      '#textFrom = 0 → #textFrom = (-1)',
      '#textTo = 0 → #textTo = 1',
      '#textTo = 0 → #textTo = (-1)',
      '#used = 0 → #used = 1',
      '#used = 0 → #used = (-1)',
      'this.#textTo = 0 → this.#textTo = 1',
      'this.#textTo = 0 → this.#textTo = (-1)',
      'this.#used = 0 → ;',
      'this.#used = 0 → this.#used = 1',
      'this.#used = 0 → this.#used = (-1)',
    ],
  },
  {
    file: 'src/protocol/message-copies.ts',
    reason: 'Only faster: the other way comes to the same result.',
    changes: [
      '} else if (flags & ASCII && length <= SHORT_TEXT) { → } else if (false) {',
      '} else if (flags & ASCII && length <= SHORT_TEXT) { → } else if (flags & ASCII && ((length) < (SHORT_TEXT))) {',
      'return flags & ASCII ? memoryText.fromAscii(buffer, from, to) : memoryText.fromUtf8(buffer, from, to) → return false ? memoryText.fromAscii(buffer, from, to) : memoryText.fromUtf8(buffer, from, to)',
      'if (to > this.#textTo) { → if (true) {',
      'if (to > this.#textTo) { → if (((to) >= (this.#textTo))) {',
    ],
  },
  {
    file: 'src/protocol/message-parts.ts',
    reason: 'A size that was measured to do well; one more or less is as good.',
    changes: [
      'const growth = total === undefined ? 2 : ANNOUNCED_GROWTH → const growth = total === undefined ? 3 : ANNOUNCED_GROWTH',
      'const SPARE_MAX = 1 << 20 → const SPARE_MAX = 2 << 20',
      'const SPARE_MAX = 1 << 20 → const SPARE_MAX = 1 << 21',
      'const SPARE_MAX = 1 << 20 → const SPARE_MAX = 1 << 19',
      'if (isText && length <= SPARE_MAX && length > spare.length) spare = this.#bytes → if (isText && ((length) < (SPARE_MAX)) && length > spare.length) spare = this.#bytes',
      'if (isText && length <= SPARE_MAX && length > spare.length) spare = this.#bytes → if (isText && length <= SPARE_MAX && ((length) >= (spare.length))) spare = this.#bytes',
      'const grown = isText && spare.length >= room && spare.length <= room * 4 ? spare : memoryView(new ArrayBuffer(room)) → const grown = isText && ((spare.length) > (room)) && spare.length <= room * 4 ? spare : memoryView(new ArrayBuffer(room))',
      'const grown = isText && spare.length >= room && spare.length <= room * 4 ? spare : memoryView(new ArrayBuffer(room)) → const grown = isText && spare.length >= room && ((spare.length) < (room * 4)) ? spare : memoryView(new ArrayBuffer(room))',
      'const grown = isText && spare.length >= room && spare.length <= room * 4 ? spare : memoryView(new ArrayBuffer(room)) → const grown = isText && spare.length >= room && spare.length <= room * 5 ? spare : memoryView(new ArrayBuffer(room))',
      'const grown = isText && spare.length >= room && spare.length <= room * 4 ? spare : memoryView(new ArrayBuffer(room)) → const grown = isText && spare.length >= room && spare.length <= room * 3 ? spare : memoryView(new ArrayBuffer(room))',
    ],
  },
  {
    file: 'src/protocol/message-parts.ts',
    reason: 'Only faster: the other way comes to the same result.',
    changes: [
      '#isAscii = true → #isAscii = false',
      'if (grown === spare) spare = NOTHING → if (true) spare = NOTHING',
      'this.#isAscii = true → ;',
      'this.#isAscii = true → this.#isAscii = false',
      'const decode = this.#isAscii ? memoryText.fromAscii : memoryText.fromUtf8 → const decode = false ? memoryText.fromAscii : memoryText.fromUtf8',
      'return this.size === this.#bytes.length && this.size > 0 ? bytes : bytes.slice() → return false ? bytes : bytes.slice()',
      'return this.size === this.#bytes.length && this.size > 0 ? bytes : bytes.slice() → return this.size === this.#bytes.length && this.size > 1 ? bytes : bytes.slice()',
    ],
  },
  {
    file: 'src/protocol/message-reader.ts',
    reason: 'Only faster: the other way comes to the same result.',
    changes: [
      'if (bytes.buffer === memory.buffer) return this.#read(bytes.byteOffset, bytes.length) → if (false) return this.#read(bytes.byteOffset, bytes.length)',
      'if ((flags & (STARTS | ENDS)) !== (STARTS | ENDS)) return this.#takePieceOfControl(flags, from, to) → if (true) return this.#takePieceOfControl(flags, from, to)',
      'if ((flags & (STARTS | ENDS)) !== (STARTS | ENDS)) return this.#takePieceOfControl(flags, from, to) → if ((((flags) | (STARTS | ENDS))) !== (STARTS | ENDS)) return this.#takePieceOfControl(flags, from, to)',
      'if ((flags & (STARTS | ENDS)) !== (STARTS | ENDS)) return this.#takePieceOfControl(flags, from, to) → if ((flags & (((STARTS) & (ENDS)))) !== (STARTS | ENDS)) return this.#takePieceOfControl(flags, from, to)',
    ],
  },
  {
    file: 'src/protocol/message-reader.ts',
    reason: 'No size is below a limit of 0 either way.',
    changes: [
      'const size = flags & COMPRESSED ? 0 : this.#parts.size + announced → const size = flags & COMPRESSED ? (-1) : this.#parts.size + announced',
    ],
  },
  {
    file: 'src/protocol/message-reader.ts',
    reason: 'The end of a message that has been inflated to its last byte gives nothing that would need room.',
    changes: [
      'if (!this.#inflater!.finish(memory, end, BLOCK_BYTES - produced)) return protocolError(INVALID_DEFLATE) → if (!this.#inflater!.finish(memory, end, ((BLOCK_BYTES) + (produced)))) return protocolError(INVALID_DEFLATE)',
    ],
  },
  {
    file: 'src/protocol/message-reader.ts',
    reason: 'A size that was measured to do well; one more or less is as good.',
    changes: [
      'const NEW_STREAM_BYTES = 1 << 12 → const NEW_STREAM_BYTES = 2 << 12',
      'const NEW_STREAM_BYTES = 1 << 12 → const NEW_STREAM_BYTES = 1 << 13',
      'this.#inflated = 0 → this.#inflated = 1',
      'this.#inflated = 0 → this.#inflated = (-1)',
      'this.#inflated = 0 → this.#inflated = 1 (2)',
      'this.#inflated = 0 → this.#inflated = (-1) (2)',
      'this.#inflated += isUsedUp || !hasRoom ? produced : produced + NEW_STREAM_BYTES → this.#inflated += false ? produced : produced + NEW_STREAM_BYTES',
      'this.#inflated += isUsedUp || !hasRoom ? produced : produced + NEW_STREAM_BYTES → this.#inflated += ((isUsedUp) && (!hasRoom)) ? produced : produced + NEW_STREAM_BYTES',
      'this.isHolding ||= this.#inflated >= TURN_BYTES || this.#sink.isFull → this.isHolding ||= ((this.#inflated) > (TURN_BYTES)) || this.#sink.isFull',
    ],
  },
  {
    file: 'src/protocol/message-reader.ts',
    reason: 'It is set before it is read.',
    changes: [
      '#inflated = 0 → #inflated = 1',
      '#inflated = 0 → #inflated = (-1)',
      '#fragments = 0 → #fragments = 1',
      '#fragments = 0 → #fragments = (-1)',
    ],
  },
  {
    file: 'src/protocol/message-reader.ts',
    reason: 'Only frees what nobody reads any more.',
    changes: [
      'this.#held = undefined → ; (2)',
      'this.#control = undefined → ;',
      'this.#copies.begin(0) → ;',
      'this.#copies.begin(0) → this.#copies.begin(1)',
      'this.#copies.begin(0) → this.#copies.begin((-1))',
      'this.#copies.begin(0) → ; (2)',
      'this.#copies.begin(0) → this.#copies.begin(1) (2)',
      'this.#copies.begin(0) → this.#copies.begin((-1)) (2)',
    ],
  },
  {
    file: 'src/protocol/message-reader.ts',
    reason: 'Reads a piece of no bytes at the end, in which there is nothing.',
    changes: [
      'for (let from = 0; from < bytes.length; from += BLOCK_BYTES) { → for (let from = 0; ((from) <= (bytes.length)); from += BLOCK_BYTES) {',
    ],
  },
  {
    file: 'src/protocol/message-reader.ts',
    reason: 'The buffer may be larger than what is put into it.',
    changes: ['const MAX_CONTROL = 125 → const MAX_CONTROL = 126'],
  },
  {
    file: 'src/protocol/message-reader.ts',
    reason: 'Who takes the stream says so, too; without one the connection is over.',
    changes: ['this.needsReceiver = false → ;'],
  },
  {
    file: 'src/protocol/message-writer.ts',
    reason: 'Only faster: the other way comes to the same result.',
    changes: [
      'if (headerLength(most) + most > BLOCK_BYTES) { → if (true) {',
      'if (headerLength(most) + most > BLOCK_BYTES) { → if (((headerLength(most) + most) >= (BLOCK_BYTES))) {',
    ],
  },
  {
    file: 'src/protocol/message-writer.ts',
    reason: 'What is exactly as long as the threshold is compressed in one step.',
    changes: [
      'if (bytes.length < this.#threshold || bytes.length <= STEP_BYTES) { → if (((bytes.length) <= (this.#threshold)) || bytes.length <= STEP_BYTES) {',
    ],
  },
  {
    file: 'src/protocol/message-writer.ts',
    reason: 'What is exactly as long as a step, or as several, leaves zlib nothing to flush a second time.',
    changes: [
      'if (bytes.length < this.#threshold || bytes.length <= STEP_BYTES) { → if (bytes.length < this.#threshold || ((bytes.length) < (STEP_BYTES))) {',
      'for (let from = 0; from < bytes.length; from += STEP_BYTES) { → for (let from = 0; ((from) <= (bytes.length)); from += STEP_BYTES) {',
    ],
  },
  {
    file: 'src/protocol/message-writer.ts',
    reason: 'Node encodes bytes as themselves.',
    changes: [
      'this.#writeDeflated(isText ? memoryText.encode(message) : message, isText, deflater) → this.#writeDeflated(true ? memoryText.encode(message) : message, isText, deflater)',
    ],
  },
  {
    file: 'src/protocol/outbox.ts',
    reason: 'A size that was measured to do well; one more or less is as good.',
    changes: ['const at = this.#reserve(1) → const at = this.#reserve(2)', 'const FREE_MIN = 32 → const FREE_MIN = 31'],
  },
  {
    file: 'src/protocol/outbox.ts',
    reason: 'Nothing is as good a no as false.',
    changes: [
      'if (this.#lent === LENT_MAX || this.#arena.free < FREE_MIN) return false → if (this.#lent === LENT_MAX || this.#arena.free < FREE_MIN) return undefined',
    ],
  },
  {
    file: 'src/protocol/outbox.ts',
    reason: 'Only faster: the other way comes to the same result.',
    changes: [
      'if (size > BLOCK_BYTES) { → if (((size) >= (BLOCK_BYTES))) {',
      'if (headerLength(most) + most <= BLOCK_BYTES) this.#pushShortText(firstByte, text, most) → if (((headerLength(most) + most) < (BLOCK_BYTES))) this.#pushShortText(firstByte, text, most)',
      'if (headerLength(most) + most <= BLOCK_BYTES) this.#pushShortText(firstByte, text, most) → if (false) this.#pushShortText(firstByte, text, most)',
      'if (header !== guess) buffer.copyWithin(start + header, start + guess, start + guess + length) → if (true) buffer.copyWithin(start + header, start + guess, start + guess + length)',
      'if (header !== guess) memory.copyWithin(start + header, start + guess, start + guess + length) → if (true) memory.copyWithin(start + header, start + guess, start + guess + length)',
      'if (this.#slab !== 0 && this.#room() >= size) return this.#end → if (this.#slab !== 0 && ((this.#room()) > (size))) return this.#end',
    ],
  },
  {
    file: 'src/protocol/protocol.ts',
    reason: 'A size that was measured to do well; one more or less is as good.',
    changes: [
      'const PONG_BACKLOG = 65536 → const PONG_BACKLOG = 65535',
      'const PONG_BACKLOG = 65536 → const PONG_BACKLOG = 65537',
      'if (!payload || this.outbox.buffered > PONG_BACKLOG) return false → if (!payload || ((this.outbox.buffered) >= (PONG_BACKLOG))) return false',
      'if (this.outbox.buffered > PONG_BACKLOG) this.#owedPong = payload → if (((this.outbox.buffered) >= (PONG_BACKLOG))) this.#owedPong = payload',
    ],
  },
  {
    file: 'src/protocol/protocol.ts',
    reason: 'Without a deflater nobody asks for the threshold.',
    changes: [
      'this.writer = new MessageWriter(this.outbox, compression?.deflater, compression?.threshold ?? 0) → this.writer = new MessageWriter(this.outbox, compression?.deflater, compression?.threshold ?? 1)',
      'this.writer = new MessageWriter(this.outbox, compression?.deflater, compression?.threshold ?? 0) → this.writer = new MessageWriter(this.outbox, compression?.deflater, compression?.threshold ?? (-1))',
    ],
  },
]
