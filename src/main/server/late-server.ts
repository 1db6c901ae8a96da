import type { ApiServer, ObjectReader, ObjectWriter } from '#apiserver'

/** The server's view of what is stored, and its own way to write, exist only after the server that needs them. */
export interface LateServer extends Pick<ApiServer, 'follow' | 'equivalents' | 'convert' | 'findKind'> {
  readonly reader: ObjectReader
  writer(): ObjectWriter
  set(server: Known): void
}

type Known = Pick<ApiServer, 'reader' | 'writer' | 'follow' | 'equivalents' | 'convert' | 'findKind'>

export function lateServer(): LateServer {
  let target: Known | undefined
  const found = (): Known => {
    if (target === undefined) throw new Error('the API server is not there yet')
    return target
  }
  return {
    reader: {
      get: (ref, namespace, name) => found().reader.get(ref, namespace, name),
      list: (ref, namespace) => found().reader.list(ref, namespace),
      version: (ref) => found().reader.version(ref),
    },
    writer: () => found().writer,
    follow: (scope, ref, changed) => found().follow(scope, ref, changed),
    convert: (...all) => found().convert(...all),
    equivalents: (resource) => found().equivalents(resource),
    findKind: (apiVersion, kind) => found().findKind(apiVersion, kind),
    set: (server) => {
      target = server
    },
  }
}
