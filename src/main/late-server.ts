import type { ApiServer, ObjectReader, ObjectWriter } from '#apiserver'

/** The server's view of what is stored, and its own way to write, exist only after the server that needs them. */
export interface LateServer {
  readonly reader: ObjectReader
  writer(): ObjectWriter
  set(server: Pick<ApiServer, 'reader' | 'writer'>): void
}

export function lateServer(): LateServer {
  let target: Pick<ApiServer, 'reader' | 'writer'> | undefined
  const found = (): Pick<ApiServer, 'reader' | 'writer'> => {
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
    set: (server) => {
      target = server
    },
  }
}
