/** Finds the mutants of a source. */
import { parseAst } from 'vitest/node'
import { ASSIGNMENT, BINARY, BORDER, UPDATE } from './operators.ts'

export interface Mutant {
  readonly file: string
  readonly line: number
  /** The line as it is and as it becomes; the second that reads alike has a (2) behind it. This names the mutant. */
  readonly change: string
  /** The whole source. */
  readonly source: string
}

/** A node of the syntax tree (ESTree), as far as it matters here. */
interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

interface Edit {
  readonly node: Node
  readonly text: string
}

/** AssemblyScript has the syntax of TypeScript, but knows no `undefined`. */
export function findMutants(file: string, source: string): Mutant[] {
  const nothing = file.startsWith('assembly/') ? '0' : 'undefined'
  const edits: Edit[] = []
  const program: unknown = parseAst(source, { lang: 'ts' })
  visit(program as Node, undefined, (node, parent) => edits.push(...editsOf(node, parent, source, nothing)))
  const seen = new Map<string, number>()
  return edits.map((edit) => {
    const found = mutant(file, source, edit)
    const count = (seen.get(found.change) ?? 0) + 1
    seen.set(found.change, count)
    return count === 1 ? found : { ...found, change: `${found.change} (${count})` }
  })
}

type Act = (node: Node, parent: Node | undefined) => void

function visit(node: Node, parent: Node | undefined, act: Act): void {
  // Types change nothing that runs; what a type is asserted of does.
  if (/^TS.*(Annotation|Declaration|Instantiation)$/.test(node.type) || node.type === 'ImportDeclaration') return
  act(node, parent)
  for (const child of Object.values(node).flat()) if (isNode(child)) visit(child, node, act)
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value
}

function editsOf(node: Node, parent: Node | undefined, source: string, nothing: string): Edit[] {
  const text = (part: unknown) => source.slice((part as Node).start, (part as Node).end)
  const become = (...texts: readonly string[]) => texts.map((text) => ({ node, text }))
  const operator = String(node['operator'])
  switch (node.type) {
    case 'BinaryExpression':
    case 'LogicalExpression': {
      const others = BINARY[operator] ?? []
      return become(...others.map((other) => `((${text(node['left'])}) ${other} (${text(node['right'])}))`))
    }
    case 'AssignmentExpression': {
      const others = ASSIGNMENT[operator] ?? []
      return become(...others.map((other) => `${text(node['left'])} ${other} ${text(node['right'])}`))
    }
    case 'UpdateExpression':
      return become(text(node).replace(operator, UPDATE[operator]!))
    case 'UnaryExpression':
      return ['!', '~', '-'].includes(operator) ? become(`(${text(node['argument'])})`) : []
    case 'IfStatement':
    case 'ConditionalExpression':
      return ['true', 'false'].map((text) => ({ node: node['test'] as Node, text }))
    case 'WhileStatement':
      return [{ node: node['test'] as Node, text: 'false' }]
    case 'ForStatement':
      return isNode(node['test']) ? [{ node: node['test'], text: 'false' }] : []
    case 'Literal':
      return become(...othersOf(node['value'], parent))
    case 'ReturnStatement':
      return isNode(node['argument']) && text(node['argument']) !== nothing ? become(`return ${nothing}`) : []
    case 'ArrowFunctionExpression':
      return node['expression'] === true ? [{ node: node['body'] as Node, text: nothing }] : []
    case 'ExpressionStatement':
    case 'ThrowStatement':
    case 'BreakStatement':
    case 'ContinueStatement':
      return become(';')
    default:
      return []
  }
}

/** A table of numbers, such as the lanes of a vector, has enough with one change of each. */
const TABLE_LENGTH = 8

function othersOf(value: unknown, parent: Node | undefined): string[] {
  if (typeof value === 'boolean') return [String(!value)]
  if (typeof value !== 'number') return []
  const border = BORDER[String(parent?.['operator'])]
  const isTable = Array.isArray(parent?.['arguments']) && parent['arguments'].length > TABLE_LENGTH
  const steps = border !== undefined ? [border] : isTable ? [1] : [1, -1]
  return steps.map((step) => (value + step < 0 ? `(${value + step})` : String(value + step)))
}

function mutant(file: string, source: string, { node, text }: Edit): Mutant {
  const from = source.lastIndexOf('\n', node.start - 1) + 1
  const before = source.slice(from, source.indexOf('\n', node.end))
  const isStatementStart = /^\s*$/.test(source.slice(from, node.start)) && text.startsWith('(')
  // Without semicolons a parenthesis would continue the line before.
  const inserted = isStatementStart && /^\s*[;}]?$/.test(lineBefore(source, from)) ? `;${text}` : text
  const mutated = source.slice(0, node.start) + inserted + source.slice(node.end)
  const after = mutated.slice(from, mutated.indexOf('\n', node.start + inserted.length))
  return {
    file,
    line: source.slice(0, node.start).split('\n').length,
    change: `${oneLine(before)} → ${oneLine(after)}`,
    source: mutated,
  }
}

function lineBefore(source: string, from: number): string {
  return source.slice(source.lastIndexOf('\n', from - 2) + 1, from - 1)
}

function oneLine(text: string): string {
  return text.trim().replace(/\s+/g, ' ')
}
