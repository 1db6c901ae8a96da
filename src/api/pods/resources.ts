import { addQuantities, compareQuantities } from '../meta/quantity.ts'
import type * as core from '../types/core-v1.gen.ts'

/** Amounts by resource name. */
export type Amounts = Readonly<Record<string, string>>
export type AmountKind = 'requests' | 'limits'

type Spec = Pick<core.PodSpec, 'resources' | 'overhead' | 'initContainers'> & {
  readonly containers?: readonly core.Container[] | null | undefined
}

/**
 * What a pod asks of its node, or may use there: the sum of its containers, but at least what its largest init container needs while
 * it runs. Init containers that go on running (sidecars) count beside everything that starts after them. Amounts at the pod
 * itself replace the sums; the overhead comes on top.
 */
export function podAmounts(spec: Spec | undefined, kind: AmountKind): Amounts {
  const own = spec?.resources?.[kind]
  const sums = own === undefined ? containerAmounts(spec, kind) : { ...containerAmounts(spec, kind), ...own }
  const overhead = spec?.overhead
  if (overhead === undefined) return sums
  // A limit that is not there stays without one.
  return kind === 'requests'
    ? add(sums, overhead)
    : Object.fromEntries(
        Object.entries(sums).map(([name, amount]) => [name, overhead[name] === undefined ? amount : addQuantities(amount, overhead[name])]),
      )
}

/** The containers' part of it, whatever stands at the pod. */
export function containerAmounts(spec: Spec | undefined, kind: AmountKind): Amounts {
  let running: Amounts = {}
  for (const { resources } of spec?.containers ?? []) running = add(running, resources?.[kind])
  let sidecars: Amounts = {}
  let starting: Amounts = {}
  for (const { resources, restartPolicy } of spec?.initContainers ?? []) {
    const amounts = resources?.[kind]
    if (restartPolicy === 'Always') {
      running = add(running, amounts)
      sidecars = add(sidecars, amounts)
      starting = most(starting, sidecars)
    } else {
      starting = most(starting, add(sidecars, amounts))
    }
  }
  return most(running, starting)
}

function add(one: Amounts, other: Amounts | undefined): Amounts {
  if (other === undefined) return one
  const sum: Record<string, string> = { ...one }
  for (const [name, amount] of Object.entries(other)) sum[name] = sum[name] === undefined ? amount : addQuantities(sum[name], amount)
  return sum
}

function most(one: Amounts, other: Amounts): Amounts {
  const result: Record<string, string> = { ...one }
  for (const [name, amount] of Object.entries(other)) {
    const there = result[name]
    if (there === undefined || compareQuantities(amount, there) > 0) result[name] = amount
  }
  return result
}
