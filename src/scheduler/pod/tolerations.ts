import type { core } from '#api'

/** Whether one of the tolerations covers the taint (an empty key with Exists covers all, an empty effect every effect). */
export function tolerates(tolerations: readonly core.Toleration[] | undefined, taint: core.Taint): boolean {
  return tolerations?.some((toleration) => covers(toleration, taint)) ?? false
}

function covers(toleration: core.Toleration, taint: core.Taint): boolean {
  if (toleration.effect !== undefined && toleration.effect !== '' && toleration.effect !== taint.effect) return false
  if (toleration.key !== undefined && toleration.key !== '' && toleration.key !== taint.key) return false
  switch (toleration.operator ?? 'Equal') {
    case '':
    case 'Equal':
      return (toleration.value ?? '') === (taint.value ?? '')
    case 'Exists':
      return true
    default:
      return false
  }
}
