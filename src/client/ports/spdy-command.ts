import { type Scope, type SpdySession, type SpdyStream } from '#base'
import { resultOf } from './command-result.ts'
import { type CommandStreams, type RemoteProcess, closeWith, readText } from './remote-process.ts'

/** The newest protocol of remote commands over SPDY. */
export const SPDY_COMMAND_PROTOCOL = 'v4.channel.k8s.io'

/**
 * A command may end without its input, and its runtime then breaks off the connection under what it has not taken. A write that meets this fails the connection at
 * once, and how the command ended, which has arrived by then, would never be read.
 */
const PACED = { isPaced: true } as const

/** A command over a session that has been opened for it and is owned by it. The command starts when all its streams are there. */
export async function spdyCommand(scope: Scope, session: SpdySession, wants: CommandStreams): Promise<RemoteProcess> {
  closeWith(scope, () => session.destroy())
  const open = (type: string, wanted: boolean): Promise<SpdyStream> | undefined => (wanted ? session.open({ streamtype: type }) : undefined)
  const [error, stdin, stdout, stderr, resize] = await Promise.all([
    session.open({ streamtype: 'error' }),
    wants.stdin ? session.open({ streamtype: 'stdin' }, PACED) : undefined,
    open('stdout', wants.stdout),
    open('stderr', wants.stderr && !wants.tty),
    open('resize', wants.tty),
  ])
  // Nothing comes on these; reading them lets them end.
  stdin?.resume()
  resize?.resume()
  error.end()
  stdout?.end()
  stderr?.end()
  return {
    stdin,
    stdout,
    stderr,
    resize: (columns, rows) => void (resize?.writable && resize.write(JSON.stringify({ Width: columns, Height: rows }))),
    result: readText(error).then(resultOf),
    close: () => session.close(),
  }
}
