import pino from 'pino'

export type LogFields = Readonly<Record<string, unknown>>

/** One logger per component. The message is constant, values are fields; secrets are wrapped in `Secret`. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** A logger that adds `fields` to each of its lines. */
  with(fields: LogFields): Logger
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** A value that is never printed: logs and JSON show `[redacted]`. `reveal` is the only way to it. */
export class Secret<T = string> {
  readonly #value: T
  constructor(value: T) {
    this.#value = value
  }
  reveal(): T {
    return this.#value
  }
  toString(): string {
    return '[redacted]'
  }
  toJSON(): string {
    return '[redacted]'
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[redacted]'
  }
}

function wrap(target: pino.Logger): Logger {
  return {
    debug: (message, fields) => target.debug(fields ?? {}, message),
    info: (message, fields) => target.info(fields ?? {}, message),
    warn: (message, fields) => target.warn(fields ?? {}, message),
    error: (message, fields) => target.error(fields ?? {}, message),
    with: (fields) => wrap(target.child(fields)),
  }
}

/** Lines of JSON on standard error, written synchronously so that the last line before a crash is there. */
export function createLogger(options: { readonly level?: LogLevel; readonly component: string }): Logger {
  const target = pino(
    {
      level: options.level ?? 'info',
      base: { component: options.component },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: (value: unknown) => (value instanceof Error ? pino.stdSerializers.err(value) : value) },
    },
    pino.destination({ dest: 2, sync: true }),
  )
  return wrap(target)
}

const nothing = (): void => undefined
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing, with: () => silentLogger }
