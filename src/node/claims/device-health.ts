import type { Clock, Timer } from '#base'
import type { core } from '#api'
import type { DeviceHealthMessage } from './health-api.ts'

/** What a driver has said of a device counts for so long, unless it says another time. */
const COUNTS_FOR_MS = 30_000
const LONGEST_MESSAGE = 1024
const WORDS: Readonly<Record<number, 'Healthy' | 'Unhealthy'>> = { 1: 'Healthy', 2: 'Unhealthy' }

type Health = Pick<core.ResourceHealth, 'health' | 'message'>
const UNKNOWN: Health = { health: 'Unknown' }

interface Report {
  readonly said: Health
  readonly untilMs: number
}

/** How the devices of drivers are, as these have said last. What is not said again in time is not known any more. */
export class DeviceHealth {
  readonly #clock: Clock
  readonly #onChange: (driver: string) => void
  /** By driver, then by pool and name. Times are monotonic. */
  readonly #reports = new Map<string, Map<string, Report>>()
  #timer: Timer | undefined

  /** `onChange` is called with a driver of whose devices other things are known than before. */
  constructor(clock: Clock, onChange: (driver: string) => void) {
    this.#clock = clock
    this.#onChange = onChange
  }

  of(driver: string, pool: string, device: string): Health {
    const report = this.#reports.get(driver)?.get(keyOf(pool, device))
    return report === undefined || report.untilMs <= this.#clock.monotonic() ? UNKNOWN : report.said
  }

  /** All that the driver says of its devices; those that it leaves out count on until their time. */
  note(driver: string, devices: readonly DeviceHealthMessage[]): void {
    const known = this.#reports.get(driver) ?? new Map<string, Report>()
    this.#reports.set(driver, known)
    const now = this.#clock.monotonic()
    let isOther = false
    for (const { device, health, message, healthCheckTimeoutSeconds } of devices) {
      const { poolName = '', deviceName = '' } = device ?? {}
      const before = this.of(driver, poolName, deviceName)
      const said = { health: WORDS[health] ?? 'Unknown', ...(message === '' ? {} : { message: shortened(message) }) }
      const countsForMs = healthCheckTimeoutSeconds > 0n ? Number(healthCheckTimeoutSeconds) * 1000 : COUNTS_FOR_MS
      known.set(keyOf(poolName, deviceName), { said, untilMs: now + countsForMs })
      isOther ||= before.health !== said.health || before.message !== said.message
    }
    this.#expireNext()
    if (isOther) this.#onChange(driver)
  }

  /** Nobody tells of the driver's devices any more. */
  forget(driver: string): void {
    if (this.#reports.delete(driver)) this.#onChange(driver)
  }

  #expireNext(): void {
    this.#timer?.cancel()
    const ends = [...this.#reports.values()].flatMap((devices) => [...devices.values()].map(({ untilMs }) => untilMs))
    if (ends.length === 0) return
    const delayMs = Math.max(0, Math.min(...ends) - this.#clock.monotonic())
    this.#timer = this.#clock.after(delayMs, () => this.#expire(), { background: true })
  }

  #expire(): void {
    const now = this.#clock.monotonic()
    const changed: string[] = []
    for (const [driver, devices] of this.#reports) {
      const past = [...devices].filter(([, { untilMs }]) => untilMs <= now)
      for (const [key] of past) devices.delete(key)
      if (past.length > 0) changed.push(driver)
    }
    this.#expireNext()
    for (const driver of changed) this.#onChange(driver)
  }
}

const keyOf = (pool: string, device: string): string => `${pool}/${device}`

const shortened = (message: string): string => (message.length <= LONGEST_MESSAGE ? message : `${message.slice(0, LONGEST_MESSAGE - 3)}...`)
