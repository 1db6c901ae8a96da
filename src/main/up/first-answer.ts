import { get } from 'node:http'
import type { Scope } from '#base'

const POLL_MS = 10
const FIRST_PATIENCE_MS = 100
const LONGEST_PATIENCE_MS = 2000

/**
 * Resolves when the address answers with 200. A request may have gone to a pod of before that is no more, and would wait for ever: each that was given up is
 * tried with more patience. Or somebody else has answered in that pod's place: each has a connection of its own.
 */
export async function firstAnswer(scope: Scope, url: string): Promise<void> {
  for (let patienceMs = FIRST_PATIENCE_MS; ; ) {
    const answer = await answerOf(url, patienceMs)
    if (answer === 200) return
    if (answer === 'late') patienceMs = Math.min(patienceMs * 2, LONGEST_PATIENCE_MS)
    await scope.sleep(POLL_MS)
  }
}

/** The status; undefined: nobody is there. */
export function answerOf(url: string, timeoutMs = LONGEST_PATIENCE_MS): Promise<number | 'late' | undefined> {
  return new Promise((answer) => {
    const request = get(url, { timeout: timeoutMs, agent: false }, (response) => {
      response.resume()
      answer(response.statusCode)
    })
    request.on('timeout', () => {
      answer('late')
      request.destroy()
    })
    request.on('error', () => answer(undefined))
  })
}
