/**
 * The map of linear memory. It has one size from start to end: growing would detach every view that a socket still
 * holds.
 *
 *     0x00000  ┌──────────────────────────────┐
 *              │ nothing: address 0 is no data│
 *     0x00400  ├──────────────────────────────┤ STATE
 *              │ the decoder's state, 44 B,   │  copied in before and out after each decode,
 *              │ then its two results         │  so that one instance serves every connection
 *     0x01000  ├──────────────────────────────┤ TABLE
 *              │ 2,048 rows of 16 B:          │  what the last decode found
 *              │ flags, address, length, size │
 *     0x10000  ├──────────────────────────────┤ INPUT
 *              │ 64 KiB                       │  where sockets read into
 *     0x20000  ├──────────────────────────────┤ SCRATCH
 *              │ 64 KiB                       │  frames are built here when no slab is free
 *     0x30000  ├──────────────────────────────┤ SLABS
 *              │ 64 KiB each, to the end      │  frames on their way out; lent to sockets
 *              └──────────────────────────────┘
 *
 * `src/codec/layout.ts` holds the same numbers for the host; a test compares them.
 */
export const STATE: usize = 0x400
export const TABLE: usize = 0x1000
export const TABLE_ROWS: u32 = 2048
export const ROW_BYTES: usize = 16
export const INPUT: usize = 0x10000
export const SCRATCH: usize = 0x20000
export const SLABS: usize = 0x30000
export const BLOCK_BYTES: u32 = 0x10000
