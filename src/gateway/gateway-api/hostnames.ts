import { isHost } from '../model/grammar.ts'

/** Hostnames of listeners and routes: a name, `*.` and a name for any number of labels in front of it, or empty for every host. */

/** Whether every host that `inner` stands for is one that `outer` stands for. */
export function covers(outer: string, inner: string): boolean {
  if (outer === '' || outer === inner) return true
  return outer.startsWith('*.') && inner !== '' && inner.endsWith(outer.slice(1)) && inner.length > outer.length - 1
}

/** The hosts that both stand for; undefined: none. */
export const intersection = (a: string, b: string): string | undefined => (covers(a, b) ? b : covers(b, a) ? a : undefined)

/** Those of a listener's hosts that a route wants; without names of its own it wants all. What is no host name is nobody's. */
export function hostsOf(listener: string, route: readonly string[]): readonly string[] {
  const wanted = route.length === 0 ? [''] : route.map((host) => host.toLowerCase()).filter(isHost)
  return [...new Set(wanted.flatMap((host) => intersection(listener, host) ?? []))]
}

/** How the host is called in keys of maps: `*.` there has one label for the star, and `**.` more. */
export const keysOfHost = (host: string): readonly string[] => (host.startsWith('*.') ? [host, `*${host}`] : [host])
