/** The map of the core's linear memory, as `assembly/memory.ts` draws it. */
export const STATE = 0x400
export const TABLE = 0x1000
export const TABLE_ROWS = 2048
export const INPUT = 0x10000
export const SCRATCH = 0x20000
export const SLABS = 0x30000
/** Bytes of INPUT, of SCRATCH, and of each slab. */
export const BLOCK_BYTES = 0x10000
/** Words of a row of the table: flags, address, length, announced size of the frame's payload or what is left of it. */
export const ROW_WORDS = 4

/** A frame's FIN bit. */
export const FIN = 0x10
/** The segment is the first of its frame. */
export const STARTS = 0x20
/** The segment is the last of its frame. */
export const ENDS = 0x40
/** The segment is text of nothing but ASCII. */
export const ASCII = 0x80
/** The frame continues a message. */
export const CONTINUATION = 0x100
/** The message is compressed (RFC 7692 §6). */
export const COMPRESSED = 0x200
/** Masks the opcode of the message, or of the control frame, out of a row's flags. */
export const OPCODE = 0x0f
