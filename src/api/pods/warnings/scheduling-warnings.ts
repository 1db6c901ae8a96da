import type * as core from '../../types/core-v1.gen.ts'
import { labelValueErrors } from '../../validation/names.ts'

const OLD_LABELS: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
  'app.kubernetes.io/created-by': 'deprecated since v1.9',
  'scheduler.alpha.kubernetes.io/preferAvoidPods': 'deprecated since v1.22; use Taints and Tolerations instead',
  'node-role.kubernetes.io/master': 'use "node-role.kubernetes.io/control-plane" instead',
}
const NULL_SELECTOR = 'a null labelSelector results in matching no pod'
const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution'
const PREFERRED = 'preferredDuringSchedulingIgnoredDuringExecution'

/** Why a label of nodes should no longer be used. */
export function labelDeprecation(label: string): string | undefined {
  return Object.hasOwn(OLD_LABELS, label) ? OLD_LABELS[label] : undefined
}

export function schedulingWarnings({ affinity, topologySpreadConstraints }: core.PodSpec, path: string, warnings: string[]): void {
  const nodes = affinity?.nodeAffinity
  nodes?.[REQUIRED]?.nodeSelectorTerms?.forEach((term, i) =>
    termWarnings(term, false, `${path}.affinity.nodeAffinity.${REQUIRED}.nodeSelectorTerms[${i}]`, warnings),
  )
  nodes?.[PREFERRED]?.forEach(({ preference }, i) => {
    if (preference !== undefined) termWarnings(preference, true, `${path}.affinity.nodeAffinity.${PREFERRED}[${i}].preference`, warnings)
  })
  topologySpreadConstraints?.forEach(({ topologyKey = '', labelSelector }, i) => {
    const at = `${path}.topologySpreadConstraints[${i}]`
    const why = labelDeprecation(topologyKey)
    if (why !== undefined) warnings.push(`${at}.topologyKey: ${topologyKey} is ${why}`)
    if (labelSelector === undefined) warnings.push(`${at}.labelSelector: ${NULL_SELECTOR}`)
  })
  for (const field of ['podAffinity', 'podAntiAffinity'] as const) {
    const at = `${path}.affinity.${field}`
    affinity?.[field]?.[REQUIRED]?.forEach(({ labelSelector }, i) => {
      if (labelSelector === undefined) warnings.push(`${at}.${REQUIRED}[${i}].labelSelector: ${NULL_SELECTOR}`)
    })
    affinity?.[field]?.[PREFERRED]?.forEach(({ podAffinityTerm }, i) => {
      if (podAffinityTerm?.labelSelector === undefined)
        warnings.push(`${at}.${PREFERRED}[${i}].podAffinityTerm.labelSelector: ${NULL_SELECTOR}`)
    })
  }
}

function termWarnings(term: core.NodeSelectorTerm, checkValues: boolean, path: string, warnings: string[]): void {
  term.matchExpressions?.forEach(({ key = '', values }, i) => {
    const at = `${path}.matchExpressions[${i}]`
    const why = labelDeprecation(key)
    if (why !== undefined) warnings.push(`${at}.key: ${key} is ${why}`)
    if (!checkValues) return
    values?.forEach((value, v) => {
      for (const wrong of labelValueErrors(value)) warnings.push(`${at}.values[${v}]: ${value} is invalid, ${wrong}`)
    })
  })
}
