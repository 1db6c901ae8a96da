import type { Strategy } from '../objects.ts'

/** One stretch of a release in which the route says the same. */
export interface Step {
  readonly weight: number
  /** As many pods as the whole application has, whatever the weight is. */
  readonly isFull: boolean
  readonly pauseSeconds: number
  readonly gate: boolean
}

/** Of strategies with both versions side by side; undefined: pods are replaced in place. */
export function stepsOf({ type, canary, blueGreen = {}, batches }: Strategy): readonly Step[] | undefined {
  switch (type) {
    case 'Standard':
    case 'Rolling':
      return undefined
    case 'BlueGreen':
      return [
        { weight: 0, isFull: true, pauseSeconds: 0, gate: blueGreen.gateBefore ?? true },
        { weight: 100, isFull: true, pauseSeconds: blueGreen.soakSeconds ?? 0, gate: blueGreen.gateAfter ?? true },
      ]
    case 'Canary':
      return (canary?.steps ?? []).map(({ weight, pauseSeconds = 0, gate = false }) => ({
        weight,
        pauseSeconds,
        gate,
        isFull: weight === 100,
      }))
    case 'Batches': {
      const { count, pauseSeconds = 0, gate = false } = batches ?? { count: 1 }
      return Array.from({ length: count }, (_, at) => {
        const weight = Math.round((100 * (at + 1)) / count)
        return { weight, pauseSeconds, gate, isFull: weight === 100 }
      })
    }
  }
}

/** Of 100 requests: the new version, a control with as many while there are, and who is left. */
export function sharesOf(
  weight: number,
  hasControl: boolean,
): { readonly next: number; readonly control: number; readonly stable: number } {
  const control = hasControl ? Math.min(weight, 100 - weight) : 0
  return { next: weight, control, stable: 100 - weight - control }
}

/** Pods of the new version, and of its control. */
export function podsOf({ weight, isFull }: Step, replicas: number): number {
  return isFull ? replicas : Math.max(1, Math.ceil((replicas * weight) / 100))
}
