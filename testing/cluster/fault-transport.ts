import { type Random, systemClock } from '#base'
import { type Transport, type TransportAnswer, Unreachable } from '#client'

/** How often what goes wrong, as shares of one. */
export interface Faults {
  /** A request is lost before the server sees it. */
  readonly requestLost: number
  /** The server has done what was asked, and its answer is lost. */
  readonly answerLost: number
  /** A chunk of a watch is lost and nobody is told, which no server does: whoever believes in what it has seen is wrong until it lists again. */
  readonly dropped?: number
  /** A chunk of a watch is lost, and the watch with it, as a broken connection does. */
  readonly watchCut: number
  /** A chunk of a watch comes twice. */
  readonly repeated: number
  /** Chunks of a watch come up to this much late: watches overtake each other, each keeps its order. */
  readonly delayMs: number
}

/** A way to a server with faults that can be switched off. */
export function faultTransport(inner: Transport, random: Random, faults: () => Faults | undefined): Transport {
  const happens = (share: number | undefined): boolean => share !== undefined && random.float() < share

  async function* disturbed(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      const now = faults()
      if (now !== undefined && now.delayMs > 0)
        await new Promise<void>((resolve) => void systemClock.after(random.float() * now.delayMs, resolve))
      if (happens(now?.watchCut)) throw new Unreachable(inner.server, new Error('cut by a test'))
      if (happens(now?.dropped)) continue
      yield chunk
      if (happens(now?.repeated)) yield chunk
    }
  }

  return {
    server: inner.server,
    close: () => inner.close(),
    async send(scope, request): Promise<TransportAnswer> {
      if (happens(faults()?.requestLost)) throw new Unreachable(inner.server, new Error('request lost by a test'))
      const answer = await inner.send(scope, request)
      if (request.method !== 'GET' && happens(faults()?.answerLost)) throw new Unreachable(inner.server, new Error('answer lost by a test'))
      const isWatch = request.target.includes('watch=true')
      return isWatch ? { ...answer, chunks: () => disturbed(answer.chunks()) } : answer
    },
  }
}
