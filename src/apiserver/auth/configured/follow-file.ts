import { type Scope, type Timer, UserError, messageOf, readFileIfThere } from '#base'

const LOOK_EVERY_MS = 10_000
/** What is under way by the one before may end. */
const GRACE_MS = 60_000

/**
 * A configuration file that counts as it is now. `read` makes something of its text, or throws; what it makes lives as long as its scope,
 * which ends when the next is made. The first must be good (`UserError`); of later ones that are not, the one before stays.
 */
export function followFile<T>(
  scope: Scope,
  { file, flag, read }: { readonly file: string; readonly flag: string; readonly read: (scope: Scope, text: string) => T },
): () => T {
  const text = readFileIfThere(file)
  if (text === undefined) throw new UserError(`the file ${file} cannot be read`, `give ${flag} an existing file`)
  let seen = text
  let own = scope.child()
  let current = read(own, text)
  const look = (): void => {
    const now = readFileIfThere(file)
    if (now === undefined || now === seen) return
    // One that is wrong is told of once, not at every look.
    seen = now
    const next = scope.child()
    try {
      current = read(next, now)
      const before = own
      own = next
      scope.clock.after(GRACE_MS, () => before.cancel(), { background: true })
      scope.log.info('a configuration has been read again', { file })
    } catch (error) {
      next.cancel()
      scope.log.error('a configuration cannot be used, the one before stays', { file, reason: messageOf(error) })
    }
  }
  let timer: Timer
  const wait = (): void => {
    timer = scope.clock.after(
      LOOK_EVERY_MS,
      () => {
        look()
        wait()
      },
      { background: true },
    )
  }
  wait()
  scope.signal.addEventListener('abort', () => timer.cancel(), { once: true })
  return () => current
}
