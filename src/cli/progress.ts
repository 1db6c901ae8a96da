import { styleText } from 'node:util'
import { type Clock, messageOf } from '#base'

/** The steps of long work, each with its time. On a terminal a running step is shown at once; elsewhere a line appears when it is done. */
export interface Progress {
  /** Runs one step. Its outcome may carry a note for the line (`already there`). A throw is shown, then passed on. */
  step<T>(title: string, work: (note: (text: string) => void) => Promise<T> | T): Promise<T>
  /** A line of its own. */
  say(text: string): void
}

export interface ProgressTarget {
  write(text: string): void
  readonly isTTY: boolean
}

export function createProgress(clock: Clock, target: ProgressTarget): Progress {
  const style = (format: Parameters<typeof styleText>[0], text: string): string => (target.isTTY ? styleText(format, text) : text)
  const time = (startMs: number): string => style('dim', formatDuration(clock.monotonic() - startMs))
  const line = (mark: string, title: string, startMs: number, note: string): void =>
    target.write(
      `${target.isTTY ? '\r\x1b[2K' : ''}${mark} ${title.padEnd(44)} ${time(startMs).padStart(8)}${note === '' ? '' : `  ${style('dim', note)}`}\n`,
    )
  return {
    async step(title, work) {
      const startMs = clock.monotonic()
      let note = ''
      if (target.isTTY) target.write(`… ${title}`)
      try {
        const result = await work((text) => {
          note = text
        })
        line(style('green', '✓'), title, startMs, note)
        return result
      } catch (error) {
        line(style('red', '✗'), title, startMs, messageOf(error).split('\n')[0] ?? '')
        throw error
      }
    },
    say: (text) => target.write(`${text}\n`),
  }
}

/** `12 ms`, `1.4 s`, `2 m 05 s`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`
  return `${Math.floor(ms / 60_000)} m ${String(Math.round((ms % 60_000) / 1000)).padStart(2, '0')} s`
}
