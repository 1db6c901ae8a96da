import type { Duplex, Readable, Writable } from 'node:stream'
import { messageOf } from '#base'
import type { PortForwarder } from '#client'

/** One connection of a caller: its bytes, and where to say what went wrong. */
export interface CallerConnection {
  readonly port: number
  readonly input: Readable
  readonly output: Writable
  readonly error: Writable
}

/** Joins a caller's connection with one to the pod, until both directions have ended. */
export async function forward(forwarder: PortForwarder, { port, input, output, error }: CallerConnection): Promise<void> {
  const failed = (cause: unknown): void => {
    if (error.writable) error.end(messageOf(cause))
    input.destroy()
    output.destroy()
  }
  let backend: Duplex
  try {
    backend = await forwarder.open(port)
  } catch (cause) {
    return failed(cause)
  }
  backend.on('error', failed)
  for (const end of [input, output]) end.on('error', () => backend.destroy())
  output.on('close', () => void (output.writableFinished || backend.destroy()))
  backend.on('close', () => {
    if (error.writable) error.end()
    if (!output.writableEnded) output.destroy()
    input.resume()
  })
  input.pipe(backend)
  backend.pipe(output)
}

/** Undefined for what is no port. */
export function portOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,5}$/.test(text)) return undefined
  const port = Number(text)
  return port > 0 && port < 65_536 ? port : undefined
}
