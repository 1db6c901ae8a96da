import { createGzip, gzip } from 'node:zlib'
import type { BodySink, HttpRequest, HttpResponse } from '#base'

/** Smaller answers are sent faster than they are compressed. */
const MIN_BYTES = 128 << 10
const LEVEL = 1

/** Compresses a large answer that is there as a whole, for a client that asks for it. */
export function compressed(request: HttpRequest, answer: HttpResponse): HttpResponse | Promise<HttpResponse> {
  const { body } = answer
  // A part is counted in bytes of the whole as it is.
  if (request.method !== 'GET' || answer.status === PARTIAL || !acceptsGzip(request.headers['accept-encoding'])) return answer
  if (body.kind === 'bytes') {
    const size = body.chunks.reduce((sum, chunk) => sum + chunk.length, 0)
    return size < MIN_BYTES ? answer : inOnePiece(answer, body.chunks)
  }
  return answer
}

/** Whether the client takes compressed answers. */
export function acceptsGzip(header: string | readonly string[] | undefined): boolean {
  const text = typeof header === 'string' ? header : (header?.join(',') ?? '')
  return text.split(',').some((part) => part.trim().split(';')[0] === 'gzip')
}

function inOnePiece(answer: HttpResponse, chunks: readonly Uint8Array[]): Promise<HttpResponse> {
  return new Promise((resolve, reject) => {
    gzip(Buffer.concat(chunks), { level: LEVEL }, (error, zipped) => {
      if (error !== null) reject(error)
      else resolve({ ...answer, headers: encodedHeaders(answer), body: { kind: 'bytes', chunks: [zipped] } })
    })
  })
}

const PARTIAL = 206
const ENCODING = 'Accept-Encoding'

/** An answer may depend on other headers besides. */
function encodedHeaders({ headers }: HttpResponse): HttpResponse['headers'] {
  const { vary } = headers
  const others = typeof vary !== 'string' || vary.includes(ENCODING) ? vary : `${ENCODING}, ${vary}`
  return { ...headers, 'content-encoding': 'gzip', vary: others ?? ENCODING }
}

/** A list that is streamed, compressed while it is made. Not for watches, whose events must arrive one by one. */
export function compressedStream(answer: HttpResponse): HttpResponse {
  const { body } = answer
  return body.kind === 'stream'
    ? { ...answer, headers: encodedHeaders(answer), body: { kind: 'stream', start: gzipBody(body.start) } }
    : answer
}

function gzipBody(start: (sink: BodySink) => void): (sink: BodySink) => void {
  return (sink) => {
    const zip = createGzip({ level: LEVEL })
    let closers: (() => void)[] = []
    zip.on('data', (chunk: Buffer) => {
      if (sink.write(chunk)) return
      zip.pause()
      sink.onDrain(() => zip.resume())
    })
    zip.on('end', () => sink.end())
    zip.on('error', (error) => sink.destroy(error))
    sink.onClose(() => {
      zip.destroy()
      const runs = closers
      closers = []
      for (const run of runs) run()
    })
    start({
      write: (chunk) => zip.write(chunk),
      get bufferedBytes() {
        return zip.writableLength + sink.bufferedBytes
      },
      onDrain: (run) => void zip.once('drain', run),
      onClose: (run) => void closers.push(run),
      end: () => void zip.end(),
      destroy: (error) => sink.destroy(error),
    })
  }
}
