import type { core } from '#api'

/** Whether a toleration covers a taint. */
export function tolerates(toleration: core.Toleration, taint: core.Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false
  if (toleration.key && toleration.key !== taint.key) return false
  if (!toleration.key && toleration.operator !== 'Exists') return false
  switch (toleration.operator ?? 'Equal') {
    case 'Exists':
      return true
    case 'Equal':
      return (toleration.value ?? '') === (taint.value ?? '')
    case 'Gt':
    case 'Lt': {
      const [bound, value] = [Number(toleration.value), Number(taint.value)]
      return toleration.operator === 'Gt' ? value > bound : value < bound
    }
    default:
      return false
  }
}
