/** How often a refused call is sent again before its refusal is thrown, as client-go does. */
export const MAX_RETRIES = 10

/**
 * Milliseconds to wait before the same call is sent again; undefined when its answer stands. Only answers that carry
 * Retry-After are repeated: the server says that it did nothing (429), or that a repetition is welcome (5xx, reads only).
 */
export function retryDelayMs(
  method: string,
  status: number,
  retryAfter: string | readonly string[] | undefined,
  tries: number,
): number | undefined {
  if (tries >= MAX_RETRIES || typeof retryAfter !== 'string') return undefined
  const seconds = Number(retryAfter)
  if (!Number.isInteger(seconds) || seconds < 0) return undefined
  if (status === 429) return seconds * 1000
  return status >= 500 && (method === 'GET' || method === 'HEAD') ? seconds * 1000 : undefined
}
