import { parseQuantity } from '../../meta/quantity.ts'
import type * as core from '../../types/core-v1.gen.ts'
import type { AnyContainer } from '../visit.ts'

const BYTES = ['memory', 'ephemeral-storage'] as const

export function containerWarnings({ env, resources }: AnyContainer, path: string, warnings: string[]): void {
  if (resources !== undefined) {
    for (const name of BYTES)
      for (const field of ['requests', 'limits'] as const)
        byteWarnings(resources[field]?.[name], `${path}.resources.${field}[${name}]`, warnings)
  }
  if (env !== undefined && env.length > 1) environmentWarnings(env, `${path}.env`, warnings)
}

function byteWarnings(amount: string | undefined, path: string, warnings: string[]): void {
  if (amount === undefined || /^[0-9]+([KMGTPE]i?|k)?$/.test(amount)) return
  const { mantissa, scale } = parseQuantity(amount)
  if (scale < 0 && mantissa % 10n ** BigInt(-scale) !== 0n)
    warnings.push(`${path}: fractional byte value ${JSON.stringify(amount)} is invalid, must be an integer`)
}

/** A variable may be set twice when the second value is made from the first. */
function environmentWarnings(variables: readonly core.EnvVar[], path: string, warnings: string[]): void {
  const seen = new Set<string>()
  variables.forEach(({ name, value = '', valueFrom }, i) => {
    const reference = `$(${name})`
    if (seen.has(name) && (valueFrom !== undefined || value === reference || !value.includes(reference))) {
      warnings.push(`${path}[${i}]: hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`)
    }
    seen.add(name)
  })
}
