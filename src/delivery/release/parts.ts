import type { apps, core } from '#api'
import { canonicalJson, hashOf } from '#reconcile'
import type { Release, Version } from './objects.ts'
import { type Track, trackName } from './route/shares.ts'

/** On the Deployment that is released: `name/uid` of the Release that has it. One at a time. */
export const LOCK = 'sampan.io/release'
const TRACK_LABEL = 'sampan.io/release-track'
/** On what a release has made: its UID, and what it was made from. */
export const OWNER = 'sampan.io/release-uid'
export const MADE_FROM = 'sampan.io/release-hash'
/** Names of Services are labels, and get a suffix here. */
const LONGEST_SERVICE = 55
const LONGEST_VALUE = 63

export const lockOf = ({ metadata }: Release): string => `${metadata?.name ?? ''}/${metadata?.uid ?? ''}`
export const templateHash = (template: core.PodTemplateSpec): string => hashOf(canonicalJson(template))

export function versionOf(template: core.PodTemplateSpec): Version {
  const containers = [...(template.spec?.initContainers ?? []), ...(template.spec?.containers ?? [])]
  return { template, hash: templateHash(template), images: containers.map(({ name, image = '' }) => `${name}=${image}`) }
}

/** The template that a release asks for: a whole one, or the present one with other images. A problem names what is wrong. */
export function wantedTemplate(
  { template, images = {} }: Release['spec'],
  present: core.PodTemplateSpec,
): core.PodTemplateSpec | { readonly problem: string } {
  if (template !== undefined) return template
  const names = new Set([...(present.spec?.containers ?? []), ...(present.spec?.initContainers ?? [])].map(({ name }) => name))
  const unknown = Object.keys(images).find((name) => !names.has(name))
  if (unknown !== undefined) return { problem: `spec.images names the container ${unknown}, which the Deployment does not have` }
  const withImage = (container: core.Container): core.Container => ({
    ...container,
    ...(images[container.name] === undefined ? {} : { image: images[container.name] }),
  })
  const { containers = [], initContainers, ...rest } = present.spec ?? {}
  return {
    ...present,
    spec: {
      ...rest,
      containers: containers.map(withImage),
      ...(initContainers === undefined ? {} : { initContainers: initContainers.map(withImage) }),
    },
  }
}

/** Why a second version cannot stand beside this Deployment; undefined when it can. */
export function besideProblem(target: apps.Deployment, service: core.Service): string | undefined {
  const selector = service.spec?.selector ?? {}
  const labels = target.spec?.template.metadata?.labels ?? {}
  const name = service.metadata?.name ?? ''
  if (Object.keys(selector).length === 0) return `the Service ${name} has no selector`
  const other = Object.entries(selector).find(([key, value]) => labels[key] !== value)
  if (other !== undefined) return `the Service ${name} does not select the pods of the Deployment: ${other[0]}=${other[1]}`
  if ((target.spec?.selector.matchExpressions ?? []).length > 0) return 'the Deployment selects its pods by expressions'
  return name.length > LONGEST_SERVICE ? `the name of the Service ${name} has more than ${LONGEST_SERVICE} characters` : undefined
}

/**
 * Labels by which pods of a track are told apart: one that the Service selects by, and one that the Deployment does, have the track at the end of their value. All
 * others stay, so that policies and budgets that go by those are for them too.
 */
function trackLabels(target: apps.Deployment, service: core.Service, track: Track): Record<string, string> {
  const labels = target.spec?.template.metadata?.labels ?? {}
  const ofService = Object.keys(service.spec?.selector ?? {}).sort()
  const ofDeployment = Object.keys(target.spec?.selector.matchLabels ?? {}).sort()
  const both = ofService.find((key) => ofDeployment.includes(key))
  const changed = both === undefined ? [ofService[0], ofDeployment[0]] : [both]
  return Object.fromEntries(changed.flatMap((key) => (key === undefined ? [] : [[key, tracked(labels[key] ?? '', track)]])))
}

const tracked = (value: string, track: Track): string => `${value.slice(0, LONGEST_VALUE - track.length - 1)}-${track}`

interface Around {
  readonly release: Release
  readonly target: apps.Deployment
  readonly service: core.Service
}

/** A version beside the Deployment, with so many pods. */
export function trackDeployment(
  { release, target, service }: Around,
  track: Track,
  { template }: Version,
  replicas: number,
): apps.Deployment {
  const own = { ...trackLabels(target, service, track), [TRACK_LABEL]: track }
  const { selector, strategy: _strategy, paused: _paused, template: _template, replicas: _replicas, ...spec } = target.spec ?? {}
  const whole = {
    ...spec,
    replicas,
    selector: { matchLabels: { ...selector?.matchLabels, ...own } },
    template: { ...template, metadata: { ...template.metadata, labels: { ...template.metadata?.labels, ...own } } },
  }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { ...madeBy(release, trackName(target.metadata?.name ?? '', track), whole), labels: { [TRACK_LABEL]: track } },
    spec: whole,
  }
}

/** The Service for the same ports, of one track alone. */
export function trackService({ release, target, service }: Around, track: Track): core.Service {
  const selector = { ...service.spec?.selector, ...trackLabels(target, service, track), [TRACK_LABEL]: track }
  const ports = (service.spec?.ports ?? []).map(({ nodePort: _nodePort, ...port }) => port)
  const spec = { selector, ports }
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...madeBy(release, trackName(service.metadata?.name ?? '', track), spec), labels: { [TRACK_LABEL]: track } },
    spec,
  }
}

function madeBy({ metadata }: Release, name: string, from: unknown): NonNullable<core.Service['metadata']> {
  return {
    name,
    namespace: metadata?.namespace ?? '',
    annotations: { [OWNER]: metadata?.uid ?? '', [MADE_FROM]: hashOf(canonicalJson(from)) },
  }
}

type Made = apps.Deployment | core.Service
export const isMadeBy = (object: Made, release: Release): boolean => object.metadata?.annotations?.[OWNER] === release.metadata?.uid
/** Nothing of the wish has changed since it was made. What a server fills in, and somebody else changes, is not looked at. */
export const isAsMade = (object: Made | undefined, wanted: Made): boolean =>
  object?.metadata?.annotations?.[MADE_FROM] === wanted.metadata?.annotations?.[MADE_FROM]
