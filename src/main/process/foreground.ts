import { type Logger, type Scope, createLogger, rootScope } from '#base'
import type { LogLevelFlag } from '../program/flags.ts'
import { releaseIdleMemory } from './idle-memory.ts'

/** Runs a component until SIGTERM or SIGINT, then lets it stop. A second signal ends the process at once. */
export async function inForeground(
  component: string,
  level: LogLevelFlag,
  run: (scope: Scope) => Promise<() => Promise<void>>,
): Promise<void> {
  const log: Logger = createLogger({ component, level })
  const scope = rootScope({ log })
  const told = Promise.withResolvers<NodeJS.Signals>()
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => {
      told.resolve(signal)
      process.once(signal, () => process.exit(1))
    })
  process.on('unhandledRejection', (error) => log.error('a promise was rejected and nobody looked', { error }))
  const stop = await run(scope)
  releaseIdleMemory(scope)
  log.info('running', { pid: process.pid })
  const signal = await told.promise
  log.info('stopping', { signal })
  await stop()
  scope.cancel()
  process.exit(0)
}
