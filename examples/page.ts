import { styleText } from 'node:util'

/** What a program shows of itself: sections of lines, some of which are claims that hold or do not. */
export class Page {
  #sections = 0
  #claims = 0
  #broken = 0

  constructor(title: string) {
    console.log(`${styleText('bold', title)}\n`)
  }

  /** A section fails as a claim does, and the others follow. */
  async section(title: string, show: () => Promise<void>): Promise<void> {
    console.log(`${this.#sections === 0 ? '' : '\n'}${styleText('bold', `${++this.#sections}. ${title}`)}`)
    try {
      await show()
    } catch (error) {
      this.claim(false, error instanceof Error ? error.message : String(error))
    }
  }

  line(text: string): void {
    console.log(`   ${text}`)
  }

  /** Head and body of an HTTP response. */
  response(statusLine: string, headers: Iterable<readonly [name: string, value: string]>, body = ''): void {
    const fields = [...headers].map(([name, value]) => `${styleText('cyan', `${name}:`)} ${value}`)
    const lines = [styleText('yellow', statusLine), ...fields, ...(body === '' ? [] : ['', ...body.split('\n')])]
    for (const line of lines) this.line(`${styleText('dim', '│')} ${line}`.trimEnd())
  }

  /** Something that has to be true. */
  claim(holds: boolean, text: string): void {
    this.#claims++
    if (!holds) this.#broken++
    this.line(`${holds ? styleText('green', '✓') : styleText('red', '✗')} ${text}`)
  }

  /** Prints the verdict, and gives the exit code. */
  end(): number {
    const isGood = this.#broken === 0 && this.#claims > 0
    const verdict = isGood ? `All ${this.#claims} checks passed.` : `${this.#broken} of ${this.#claims} checks failed.`
    console.log(`\n${styleText(isGood ? 'green' : 'red', verdict)}`)
    return isGood ? 0 : 1
  }
}
