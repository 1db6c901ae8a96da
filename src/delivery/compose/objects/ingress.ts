import type { networking } from '#api'
import { type Route } from '../aliyun/routes.ts'
import { objectName } from '../reader.ts'

/** Words of ingress-nginx, which Sampan's gateway takes too: a client stays for 8 hours, and for 30 minutes without a request. */
const STICKY: Readonly<Record<string, string>> = {
  'nginx.ingress.kubernetes.io/affinity': 'cookie',
  'nginx.ingress.kubernetes.io/session-cookie-name': 'CONTAINERID',
  'nginx.ingress.kubernetes.io/session-cookie-max-age': '28800',
}

/** One Ingress for the addresses of a service; `https` and `wss` ask for a certificate of the same name as the host. */
export function ingressOf(name: string, routes: readonly Route[], isSticky: boolean): networking.Ingress | undefined {
  if (routes.length === 0) return undefined
  const own = objectName(name) ?? name
  const hosts = [...new Set(routes.map(({ host }) => host))]
  const secure = hosts.filter((host) => routes.some((route) => route.host === host && (route.scheme === 'https' || route.scheme === 'wss')))
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: own, ...(isSticky ? { annotations: STICKY } : {}) },
    spec: {
      ...(secure.length > 0 ? { tls: secure.map((host) => ({ hosts: [host], secretName: `${host.replaceAll('.', '-')}-tls` })) } : {}),
      rules: hosts.map((host) => ({
        host,
        http: {
          paths: routes
            .filter((route) => route.host === host)
            .map(({ path, containerPort }) => ({
              path,
              pathType: 'Prefix',
              backend: { service: { name: own, port: { number: containerPort } } },
            })),
        },
      })),
    },
  }
}
