import type { autoscaling } from '#api'

/** On an autoscaler that may not take pods away while a release has them idle: how it behaved before. */
const HELD = 'sampan.io/release-behavior'

interface Patch {
  readonly op: 'test' | 'add' | 'replace' | 'remove'
  readonly path: string
  readonly value?: unknown
}

/** With requests on their way to the new version the old one looks idle; if its pods went, there would be no way back. Undefined: it is held. */
export function holdPatch({ metadata, spec }: autoscaling.HorizontalPodAutoscaler): readonly Patch[] | undefined {
  if (metadata?.annotations?.[HELD] !== undefined) return undefined
  const { behavior } = spec ?? {}
  return [
    test(metadata?.resourceVersion),
    { op: 'add', path: '/metadata/annotations', value: { ...metadata?.annotations, [HELD]: JSON.stringify(behavior ?? null) } },
    { op: 'add', path: '/spec/behavior', value: { ...behavior, scaleDown: { ...behavior?.scaleDown, selectPolicy: 'Disabled' } } },
  ]
}

/** Undefined: it is not held. What somebody else has said meanwhile stays. */
export function releasePatch({ metadata, spec }: autoscaling.HorizontalPodAutoscaler): readonly Patch[] | undefined {
  const { [HELD]: held, ...annotations } = metadata?.annotations ?? {}
  if (held === undefined) return undefined
  const before: unknown = JSON.parse(held)
  const isOurs = spec?.behavior?.scaleDown?.selectPolicy === 'Disabled'
  return [
    test(metadata?.resourceVersion),
    { op: 'add', path: '/metadata/annotations', value: annotations },
    ...(isOurs
      ? [
          before === null
            ? { op: 'remove' as const, path: '/spec/behavior' }
            : { op: 'add' as const, path: '/spec/behavior', value: before },
        ]
      : []),
  ]
}

const test = (value: string | undefined): Patch => ({ op: 'test', path: '/metadata/resourceVersion', value })
