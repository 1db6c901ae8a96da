import { isPort } from '../grammar.ts'
import type { BackendPort } from '../wish.ts'

/** The Service that a host in a URL means, as pods call it, when it is one of the namespace: nobody is to reach into another. */
export function ownService(host: string, port: string, namespace: string): BackendPort | undefined {
  const [name = '', of = namespace, ...rest] = host.split('.')
  const isOwn = name !== '' && of === namespace && ['', 'svc', 'svc.cluster.local'].includes(rest.join('.'))
  return isOwn && isPort(Number(port)) ? { service: `${namespace}/${name}`, port: { number: Number(port) } } : undefined
}
