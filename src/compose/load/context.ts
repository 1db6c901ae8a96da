import type { Lookup } from '../interpolation/template.ts'
import { ComposeRefused } from '../refusal.ts'
import type { Dict } from '../value.ts'
import type { Files } from './files.ts'

/** What loading a file needs to know, and where it says what is odd but not wrong. */
export interface LoadContext {
  readonly files: Files
  /** The folder that relative paths start from. */
  readonly folder: string
  readonly lookup: Lookup
  warn(text: string): void
  /** Files being included, outermost first. */
  readonly including: readonly string[]
}

export interface SourceFile {
  readonly path: string
  readonly text: string
}

/** Loads files into one model; what is included is loaded the same way. */
export type LoadFiles = (sources: readonly SourceFile[], context: LoadContext) => Dict

export function readSource(files: Files, path: string): SourceFile {
  const text = files.read(path)
  if (text === undefined) throw new ComposeRefused(`open ${path}: no such file or directory`)
  return { path, text }
}

/** Says in which file a refusal happened, where it does not say so itself. */
export function inFile<T>(file: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof ComposeRefused && error.place === undefined) throw new ComposeRefused(error.reason, { file })
    throw error
  }
}
