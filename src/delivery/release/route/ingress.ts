import type { networking } from '#api'
import { ROUTE_BEFORE, type Share, TRACKS, trackName } from './shares.ts'

const WEIGHT = 'sampan.io/service-weight'
const STICKY = 'sampan.io/sticky'
/** Whoever shares a path himself cannot have it shared a second time. */
const FOREIGN = [
  WEIGHT,
  'sampan.io/service-match',
  'nginx.ingress.kubernetes.io/service-weight',
  'nginx.ingress.kubernetes.io/service-match',
  'nginx.ingress.kubernetes.io/canary',
]

type Annotations = Readonly<Record<string, string>>

/** Why requests to this Service cannot be shared by this Ingress; undefined when they can. */
export function routeProblem(ingress: networking.Ingress, service: string): string | undefined {
  const annotations = ingress.metadata?.annotations ?? {}
  const own = annotations[ROUTE_BEFORE] === undefined ? FOREIGN.find((name) => annotations[name] !== undefined) : undefined
  if (own !== undefined) return `it shares its requests itself, by ${own}`
  if (ingress.spec?.defaultBackend?.service?.name === service) return `its defaultBackend is ${service}, which cannot be shared`
  const isNamed = (ingress.spec?.rules ?? []).some(({ http }) =>
    (http?.paths ?? []).some(({ backend }) => backend.service?.name === service),
  )
  return isNamed ? undefined : `none of its paths leads to the Service ${service}`
}

/**
 * The Ingress with all that it leads to `service` shared as `shares` says, that Service among them; as it was before when there are none. One object: weights
 * change in one step. Shares of 0 are named too, so that who they are for is known before the first request.
 */
export function withShares(
  ingress: networking.Ingress,
  service: string,
  shares: readonly Share[],
  sticky: string | undefined,
): networking.Ingress {
  const others = new Set(TRACKS.map((track) => trackName(service, track)))
  const added = shares.filter((share) => share.service !== service)
  const rules = (ingress.spec?.rules ?? []).map((rule) =>
    rule.http === undefined
      ? rule
      : {
          ...rule,
          http: {
            ...rule.http,
            paths: rule.http.paths
              .filter(({ backend }) => !others.has(backend.service?.name ?? ''))
              .flatMap((path) => {
                const { backend } = path
                if (backend.service?.name !== service) return [path]
                const { port } = backend.service
                return [
                  path,
                  ...added.map(({ service: name }) => ({
                    ...path,
                    backend: { service: { name, ...(port === undefined ? {} : { port }) } },
                  })),
                ]
              }),
          },
        },
  )
  const { annotations = {}, ...metadata } = ingress.metadata ?? {}
  const changed = withAnnotations(annotations, shares, sticky)
  return {
    ...ingress,
    metadata: Object.keys(changed).length === 0 ? metadata : { ...metadata, annotations: changed },
    spec: { ...ingress.spec, rules },
  }
}

function withAnnotations(annotations: Annotations, shares: readonly Share[], sticky: string | undefined): Record<string, string> {
  const { [ROUTE_BEFORE]: before, ...rest } = annotations
  if (shares.length === 0) {
    if (before === undefined) return { ...rest }
    const { [WEIGHT]: _weight, [STICKY]: present, ...others } = rest
    const was = stickyBefore(before)
    // Whoever has changed it meanwhile has changed it.
    const kept = isOurs(before, present) ? was : present
    return { ...others, ...(kept === undefined ? {} : { [STICKY]: kept }) }
  }
  const stays = annotations[STICKY] ?? sticky
  return {
    ...rest,
    [WEIGHT]: shares.map(({ service, weight }) => `${service}: ${weight}`).join(', '),
    ...(stays === undefined ? {} : { [STICKY]: stays }),
    [ROUTE_BEFORE]: before ?? JSON.stringify({ sticky: annotations[STICKY] ?? null, set: sticky ?? null }),
  }
}

function stickyBefore(text: string): string | undefined {
  const { sticky } = readBefore(text)
  return typeof sticky === 'string' ? sticky : undefined
}

function isOurs(text: string, present: string | undefined): boolean {
  const { sticky, set } = readBefore(text)
  return present === (sticky ?? set ?? undefined)
}

function readBefore(text: string): { readonly sticky?: unknown; readonly set?: unknown } {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}
