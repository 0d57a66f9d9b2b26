/** What is changed in a source to see whether a test notices: one operator at a time. */

/** The operators of two operands, with what each becomes. */
export const BINARY: Readonly<Record<string, readonly string[]>> = {
  // Only the border: that a condition is always true or never is a mutant of its own.
  '<': ['<='],
  '<=': ['<'],
  '>': ['>='],
  '>=': ['>'],
  '===': ['!=='],
  '!==': ['==='],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
  '**': ['*'],
  '&': ['|'],
  '|': ['&'],
  '^': ['&'],
  '<<': ['>>'],
  '>>': ['<<'],
  '>>>': ['<<', '>>'],
  '&&': ['||'],
  '||': ['&&'],
  '??': ['&&'],
}

/** By how much a number beside a comparison is changed; the other way is what the comparison becomes. */
export const BORDER: Readonly<Record<string, number>> = { '<': -1, '<=': 1, '>': 1, '>=': -1 }

export const ASSIGNMENT: Readonly<Record<string, readonly string[]>> = {
  '+=': ['-=', '='],
  '-=': ['+='],
  '&=': ['|='],
  '|=': ['&=', '='],
  '^=': ['&='],
  '>>=': ['<<='],
  '<<=': ['>>='],
  '&&=': ['='],
  '||=': ['='],
  '??=': ['='],
}

export const UPDATE: Readonly<Record<string, string>> = { '++': '--', '--': '++' }
