import { type Scope, type Timer, isCancelled, messageOf } from '#base'
import { refs } from '#api'
import type { Client } from '#client'
import { createInformers } from '#reconcile'

/**
 * Has a driver asked anew how many volumes this node can have of it, as often as its CSIDriver says (`nodeAllocatableUpdatePeriodSeconds`; without it never).
 * Until `life` ends. `ask` rejects only then.
 */
export function followVolumeLimit(life: Scope, client: Client, name: string, ask: (scope: Scope) => Promise<void>): void {
  const informers = createInformers(client)
  let timer: Timer | undefined
  let periodMs = 0
  const next = (): void => {
    timer?.cancel()
    timer = periodMs === 0 || life.signal.aborted ? undefined : life.clock.after(periodMs, askNow, { background: true })
  }
  const askNow = (): void => void ask(life).then(next, () => undefined)
  informers.informer(refs.csidrivers, { fieldSelector: `metadata.name=${name}` }).onChange(({ now }) => {
    const wantedMs = (now?.spec.nodeAllocatableUpdatePeriodSeconds ?? 0) * 1000
    if (wantedMs === periodMs) return
    periodMs = wantedMs
    next()
  })
  life.signal.addEventListener('abort', next, { once: true })
  informers.start(life).catch((error: unknown) => {
    if (!isCancelled(error)) life.log.warn('a CSIDriver cannot be followed', { driver: name, error: messageOf(error) })
  })
}
