import type { networking } from '#api'
import { type Answerer, addressOf } from '../aliyun/addresses.ts'
import { type Route } from '../aliyun/routes.ts'
import { objectName } from '../reader.ts'

/** Words of ingress-nginx, which Sampan's gateway takes too: a client stays for 8 hours, and for 30 minutes without a request. */
const STICKY: Readonly<Record<string, string>> = {
  'nginx.ingress.kubernetes.io/affinity': 'cookie',
  'nginx.ingress.kubernetes.io/session-cookie-name': 'CONTAINERID',
  'nginx.ingress.kubernetes.io/session-cookie-max-age': '28800',
}
/** Among the services of one address a client stays as well. */
const STICKY_SHARE: Readonly<Record<string, string>> = { 'sampan.io/sticky': 'cookie' }

/**
 * One Ingress for the addresses of a service; `https` and `wss` ask for a certificate of the same name as the host. What several services answer for is in the
 * Ingress of the first of them.
 */
export function ingressOf(
  name: string,
  all: readonly Route[],
  isSticky: boolean,
  answerersOf: (address: string) => readonly Answerer[],
): networking.Ingress | undefined {
  const routes = all.filter((route) => answerersOf(addressOf(route))[0]?.service === name)
  if (routes.length === 0) return undefined
  const own = objectName(name) ?? name
  const hosts = [...new Set(routes.map(({ host }) => host))]
  const secure = hosts.filter((host) => routes.some((route) => route.host === host && (route.scheme === 'https' || route.scheme === 'wss')))
  const weights = new Map(
    routes
      .map((route) => answerersOf(addressOf(route)))
      .filter((answerers) => answerers.length > 1)
      .flatMap((answerers) => answerers.map(({ service, weight }) => [objectName(service) ?? service, weight] as const)),
  )
  const annotations = {
    ...(isSticky ? STICKY : {}),
    ...(isSticky && weights.size > 0 ? STICKY_SHARE : {}),
    ...(weights.size === 0
      ? {}
      : { 'sampan.io/service-weight': [...weights].map(([service, weight]) => `${service}: ${weight}`).join(', ') }),
  }
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: own, ...(Object.keys(annotations).length > 0 ? { annotations } : {}) },
    spec: {
      ...(secure.length > 0 ? { tls: secure.map((host) => ({ hosts: [host], secretName: `${host.replaceAll('.', '-')}-tls` })) } : {}),
      rules: hosts.map((host) => ({
        host,
        http: {
          paths: routes
            .filter((route) => route.host === host)
            .flatMap((route) =>
              answerersOf(addressOf(route)).map(({ service, containerPort }) => ({
                path: route.path,
                pathType: 'Prefix',
                backend: { service: { name: objectName(service) ?? service, port: { number: containerPort } } },
              })),
            ),
        },
      })),
    },
  }
}
