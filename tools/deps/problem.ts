export interface Problem {
  /** From the root of the tree. */
  readonly file: string
  /** From 1. */
  readonly line: number
  readonly level: 'error' | 'warning'
  /** What is wrong, and what to do instead. */
  readonly message: string
}

export function error(file: string, line: number, message: string): Problem {
  return { file, line, level: 'error', message }
}

export function warning(file: string, line: number, message: string): Problem {
  return { file, line, level: 'warning', message }
}
