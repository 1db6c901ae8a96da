import type { autoscaling } from '#api'

/** `aliyun.auto_scaling.*`: containers are added above `max` percent and taken away below `min`, on the average of all containers of the service. */
export interface AutoScaling {
  readonly cpu: Thresholds | undefined
  readonly memory: Thresholds | undefined
  /** Most containers that are added or taken away at once. */
  readonly step: number
  readonly minInstances: number
  readonly maxInstances: number
}
export interface Thresholds {
  readonly max: number | undefined
  readonly min: number | undefined
}

type Refuse = (label: string, text: string) => undefined

const FAMILY = 'aliyun.auto_scaling.'
/** Those that say when; the others say how. */
const TRIGGERS = ['max_cpu', 'min_cpu', 'max_memory', 'min_memory'].map((name) => `${FAMILY}${name}`)
const LEAST_APART = 30
const MOST_STEP = 5

/** Undefined where the labels ask for none; what is wrong is told with its label. */
export function autoScalingOf(labels: ReadonlyMap<string, string>, refuse: Refuse): AutoScaling | undefined {
  const first = [...labels.keys()].find((label) => label.startsWith(FAMILY))
  if (first === undefined) return undefined
  if (!TRIGGERS.some((label) => labels.has(label))) return refuse(first, `says nothing without one of ${TRIGGERS.join(', ')}`)
  const wholeAt = (name: string, least: number, most: number): number | undefined => {
    const [label, text] = [`${FAMILY}${name}`, labels.get(`${FAMILY}${name}`)]
    if (text === undefined) return undefined
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
    return value >= least && value <= most ? value : refuse(label, `${text}: a whole number from ${least} to ${most}`)
  }
  const step = wholeAt('step', 1, MOST_STEP) ?? 1
  const minInstances = wholeAt('min_instances', 1, 10_000) ?? 1
  const maxInstances = wholeAt('max_instances', 1, 10_000)
  if (maxInstances === undefined) {
    if (!labels.has(`${FAMILY}max_instances`)) refuse(first, `has no upper bound: give the service ${FAMILY}max_instances`)
    return undefined
  }
  if (maxInstances < minInstances) return refuse(`${FAMILY}max_instances`, `${maxInstances} is less than min_instances, ${minInstances}`)
  const thresholds = (what: 'cpu' | 'memory'): Thresholds | undefined => {
    const [max, min] = [wholeAt(`max_${what}`, 50, 100), wholeAt(`min_${what}`, 0, 50)]
    if (max === undefined && min === undefined) return undefined
    if (max !== undefined && min !== undefined) {
      const label = `${FAMILY}max_${what}`
      if (max - min < LEAST_APART) return refuse(label, `${max} is less than ${LEAST_APART} above min_${what}, ${min}`)
      // What one container more leaves to each would be too little at once, and take it away again.
      const left = (max * minInstances) / (minInstances + 1)
      if (minInstances < maxInstances && left < min)
        return refuse(
          label,
          `would go back and forth: ${minInstances} at ${max} % are ${minInstances + 1} at ${Math.round(left)} %, below min_${what}, ${min}`,
        )
    }
    return { max, min }
  }
  return { cpu: thresholds('cpu'), memory: thresholds('memory'), step, minInstances, maxInstances }
}

const FULL = 100
const PERIOD_SECONDS = 60

/**
 * The same as an autoscaler of Kubernetes, which has one aim where the labels have two bounds: the upper one is the aim, with nothing allowed above it, and all that
 * is between both is allowed below it. So containers are only taken away where what is left of them stays below the upper bound.
 */
export function autoscalerOf(
  name: string,
  { cpu, memory, step, minInstances, maxInstances }: AutoScaling,
): autoscaling.HorizontalPodAutoscaler {
  const given = [
    ...(cpu === undefined ? [] : [{ resource: 'cpu', ...cpu }]),
    ...(memory === undefined ? [] : [{ resource: 'memory', ...memory }]),
  ]
  const aim = ({ max }: Thresholds): number => max ?? FULL
  const policies = [{ type: 'Pods', value: step, periodSeconds: PERIOD_SECONDS }]
  const rules = (isUsed: boolean, tolerance: string): autoscaling.HPAScalingRules =>
    isUsed ? { policies, tolerance } : { selectPolicy: 'Disabled' }
  // There is one tolerance for all: with two resources the wider one, so that nothing is taken away above a lower bound.
  const below = given.flatMap((one) => (one.min === undefined ? [] : [Math.ceil((1 - one.min / aim(one)) * 1000)]))
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      minReplicas: minInstances,
      maxReplicas: maxInstances,
      metrics: given.map((one) => ({
        type: 'Resource',
        resource: { name: one.resource, target: { type: 'Utilization', averageUtilization: aim(one) } },
      })),
      behavior: {
        scaleUp: rules(
          given.some(({ max }) => max !== undefined),
          '0',
        ),
        scaleDown: rules(below.length > 0, `${Math.max(...below)}m`),
      },
    },
  }
}
