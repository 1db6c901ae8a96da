import { type Scope, UserError, readFileIfThere } from '#base'
import type { Tracer } from './tracer.ts'

export interface Tracing {
  readonly tracer: Tracer
  /** Sends what waits. */
  close(): Promise<void>
}

/** Records requests and sends what they were made of to a collector, as a TracingConfiguration says. Throws `UserError` for a file that cannot be used. */
export async function openTracing(scope: Scope, file: string): Promise<Tracing> {
  const text = readFileIfThere(file)
  if (text === undefined) throw new UserError(`the file ${file} cannot be read`, 'give --tracing-config-file an existing file')
  const [{ readTracing }, { TraceExporter }, { Tracer: Recorder }] = await Promise.all([
    import('./configuration.ts'),
    import('./exporter.ts'),
    import('./tracer.ts'),
  ])
  const { collector, perMillion } = readTracing(text, file)
  const exporter = new TraceExporter(scope, collector, {
    attributes: { 'service.name': 'apiserver', 'service.instance.id': `apiserver-${scope.random.uuid()}` },
    library: 'sampan/apiserver',
  })
  return { tracer: new Recorder(scope, { perMillion, export: (span) => exporter.take(span) }), close: () => exporter.close() }
}
