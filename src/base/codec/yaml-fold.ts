const WIDTH = 80
/** Indentation, dashes, and a key. */
const HEAD = /^( *)((?:- )*)(?:(?:[^\s'"&*!|>%@`{}[\],#?:-][^:]*|'[^']*'|"[^"]*"):(?: |$))?/
const BLOCK = /(?:^|[ -])[|>][-+0-9]*$/

/**
 * Folds the long lines of a document in block style as Kubernetes' writer does: at the first space behind column 80, not before it, so
 * that lines are a little longer than that.
 */
export function foldYaml(text: string): string {
  if (!text.split('\n').some((line) => line.length > WIDTH)) return text
  let blockIndent: number | undefined
  return text
    .split('\n')
    .map((line) => {
      const indent = line.search(/\S/)
      if (blockIndent !== undefined) {
        if (indent === -1 || indent > blockIndent) return line
        blockIndent = undefined
      }
      const [head = '', spaces = '', dashes = ''] = HEAD.exec(line) ?? []
      const hasKey = head.length > spaces.length + dashes.length
      const column = spaces.length + dashes.length - (hasKey || dashes === '' ? 0 : 2)
      if (BLOCK.test(line)) blockIndent = spaces.length
      return line.length > WIDTH ? foldLine(line, head.length, column + 2) : line
    })
    .join('\n')
}

function foldLine(line: string, from: number, indent: number): string {
  let out = ''
  let column = 0
  for (let at = 0; at < line.length; at++) {
    const isBreak = line[at] === ' ' && at > from && column > WIDTH && line[at - 1] !== ' ' && line[at + 1] !== ' ' && at < line.length - 1
    if (!isBreak) {
      out += line[at]
      column++
      continue
    }
    out += `\n${' '.repeat(indent)}`
    column = indent
  }
  return out
}
