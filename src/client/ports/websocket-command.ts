import { PassThrough, type Readable, Writable } from 'node:stream'
import type { MessageSocket, Scope } from '#base'
import { CHANNEL, COMMAND_PROTOCOLS, decodeChannel, encodeChannel } from './channels.ts'
import { type CommandResult, resultOf } from './command-result.ts'
import { type CommandStreams, type RemoteProcess, closeWith } from './remote-process.ts'

/** Servers limit the length of a message. */
const PIECE_BYTES = 32 * 1024

/** A command over a WebSocket that has been opened for it and is owned by it. */
export function websocketCommand(scope: Scope, socket: MessageSocket, wants: CommandStreams): RemoteProcess {
  closeWith(scope, () => socket.destroy())
  const protocol = COMMAND_PROTOCOLS[socket.protocol] ?? { base64: false, hasStatus: false, canClose: false }
  const stdout = wants.stdout ? new PassThrough() : undefined
  const stderr = wants.stderr && !wants.tty ? new PassThrough() : undefined
  const outputs = new Map<number, PassThrough | undefined>([
    [CHANNEL.stdout, stdout],
    [CHANNEL.stderr, stderr],
  ])
  let said: string | undefined
  const receive = async (): Promise<CommandResult> => {
    for await (const { data: message } of socket.messages()) {
      const found = decodeChannel(protocol, message)
      if (found === undefined) continue
      const output = outputs.get(found.channel)
      if (found.channel === CHANNEL.error) said = (said ?? '') + found.data.toString('utf8')
      else if (found.channel === CHANNEL.close && protocol.canClose) outputs.get(found.data[0] ?? -1)?.end()
      else if (output !== undefined && found.data.length > 0 && !output.write(found.data)) await taken(output)
    }
    stdout?.end()
    stderr?.end()
    return said === undefined && !protocol.hasStatus ? { kind: 'exited', exitCode: 0 } : resultOf(said ?? '')
  }
  const stdin = wants.stdin
    ? new Writable({
        async write(chunk: Uint8Array, _encoding, done) {
          for (let at = 0; at < chunk.length; at += PIECE_BYTES)
            await socket.send(encodeChannel(protocol, CHANNEL.stdin, chunk.subarray(at, at + PIECE_BYTES)))
          done()
        },
        async final(done) {
          if (protocol.canClose) await socket.send(encodeChannel(protocol, CHANNEL.close, Buffer.from([CHANNEL.stdin])))
          done()
        },
      })
    : undefined
  return {
    stdin,
    stdout: stdout as Readable | undefined,
    stderr: stderr as Readable | undefined,
    resize: (columns, rows) =>
      void (
        wants.tty && socket.send(encodeChannel(protocol, CHANNEL.resize, Buffer.from(JSON.stringify({ Width: columns, Height: rows }))))
      ),
    result: receive(),
    close: () => socket.close(),
  }
}

const taken = (output: PassThrough): Promise<void> => new Promise((resolve) => output.once('drain', resolve).once('close', resolve))
