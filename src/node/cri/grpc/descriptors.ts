import { type DescMethod, create, createFileRegistry } from '@bufbuild/protobuf'
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  EnumDescriptorProtoSchema,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  type FieldDescriptorProto,
  FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
  MethodDescriptorProtoSchema,
  ServiceDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt'

type FieldRow = readonly [number: number, type: string, label?: string]
/** Message → field → [number, type, label]; `{ enum }` and `{ service }` rows beside them. Types are relative to the package. */
export type FieldTable = Readonly<Record<string, object>>

const SCALARS: Readonly<Record<string, FieldDescriptorProto_Type>> = {
  string: FieldDescriptorProto_Type.STRING,
  bool: FieldDescriptorProto_Type.BOOL,
  bytes: FieldDescriptorProto_Type.BYTES,
  int32: FieldDescriptorProto_Type.INT32,
  uint32: FieldDescriptorProto_Type.UINT32,
  int64: FieldDescriptorProto_Type.INT64,
  uint64: FieldDescriptorProto_Type.UINT64,
  double: FieldDescriptorProto_Type.DOUBLE,
}

/** The methods of a package's services. */
export interface Methods {
  /** By `Service/Method`. Throws `TypeError` for one that the field table lacks. */
  get(name: string): DescMethod
}

/** Builds them from the package's field table: worth keeping for as long as they are called. */
export function methodsOf(packageName: string, table: FieldTable): Methods {
  const file = create(FileDescriptorProtoSchema, { name: `${packageName}.proto`, package: packageName, syntax: 'proto3' })
  const messages = new Map<string, DescriptorProto>()
  const isEnum = (type: string): boolean => isKind('enum', table[type] ?? {})
  const resolve = (owner: string, type: string): string => (type in table ? type : `${owner}.${type}`)

  const typeOf = (owner: string, type: string): { type: FieldDescriptorProto_Type; typeName?: string } => {
    const scalar = SCALARS[type]
    if (scalar !== undefined) return { type: scalar }
    const full = resolve(owner, type)
    return { type: isEnum(full) ? FieldDescriptorProto_Type.ENUM : FieldDescriptorProto_Type.MESSAGE, typeName: `.${packageName}.${full}` }
  }
  const fieldOf = (message: DescriptorProto, owner: string, name: string, [number, type, label]: FieldRow): FieldDescriptorProto => {
    const value = /^map<string,(.*)>$/.exec(type)?.[1]
    if (value === undefined) {
      return create(FieldDescriptorProtoSchema, {
        name,
        number,
        label: label === 'repeated' ? FieldDescriptorProto_Label.REPEATED : FieldDescriptorProto_Label.OPTIONAL,
        ...typeOf(owner, type),
      })
    }
    const entry = `${name
      .split('_')
      .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
      .join('')}Entry`
    message.nestedType.push(
      create(DescriptorProtoSchema, {
        name: entry,
        options: { mapEntry: true },
        field: [
          create(FieldDescriptorProtoSchema, {
            name: 'key',
            number: 1,
            label: FieldDescriptorProto_Label.OPTIONAL,
            type: FieldDescriptorProto_Type.STRING,
          }),
          create(FieldDescriptorProtoSchema, {
            name: 'value',
            number: 2,
            label: FieldDescriptorProto_Label.OPTIONAL,
            ...typeOf(owner, value),
          }),
        ],
      }),
    )
    return create(FieldDescriptorProtoSchema, {
      name,
      number,
      label: FieldDescriptorProto_Label.REPEATED,
      type: FieldDescriptorProto_Type.MESSAGE,
      typeName: `.${packageName}.${owner}.${entry}`,
    })
  }

  // Outer types first: an enum written `Outer.Inner` is nested in its message.
  const names = Object.keys(table).sort((a, b) => a.split('.').length - b.split('.').length)
  for (const name of names) {
    const row = table[name] ?? {}
    const [outer, inner] = name.includes('.')
      ? [name.slice(0, name.lastIndexOf('.')), name.slice(name.lastIndexOf('.') + 1)]
      : [undefined, name]
    if (isKind('service', row)) {
      const method = Object.entries(row.service as Record<string, readonly string[]>).map(([methodName, [input, output, mode]]) =>
        create(MethodDescriptorProtoSchema, {
          name: methodName,
          inputType: `.${packageName}.${input ?? ''}`,
          outputType: `.${packageName}.${output ?? ''}`,
          serverStreaming: mode === 'server-stream',
        }),
      )
      file.service.push(create(ServiceDescriptorProtoSchema, { name, method }))
    } else if (isKind('enum', row)) {
      const value = Object.entries(row.enum as Record<string, number>).map(([member, number]) => ({ name: member, number }))
      const proto = create(EnumDescriptorProtoSchema, { name: inner, value })
      const parent = outer === undefined ? undefined : messages.get(outer)
      if (parent === undefined) file.enumType.push(proto)
      else parent.enumType.push(proto)
    } else {
      const message = create(DescriptorProtoSchema, { name })
      messages.set(name, message)
      message.field = Object.entries(row as Record<string, FieldRow>).map(([field, spec]) => fieldOf(message, name, field, spec))
      file.messageType.push(message)
    }
  }

  const methods = new Map<string, DescMethod>()
  for (const type of createFileRegistry(file, () => undefined)) {
    if (type.kind === 'service') for (const method of type.methods) methods.set(`${type.name}/${method.name}`, method)
  }
  return {
    get(name) {
      const method = methods.get(name)
      if (method === undefined) throw new TypeError(`no method ${name} in the field table`)
      return method
    },
  }
}

/** A message may have a field that is called `service` or `enum`: the rows of fields are arrays. */
function isKind<Kind extends 'enum' | 'service'>(kind: Kind, row: object): row is Readonly<Record<Kind, object>> {
  return kind in row && !Array.isArray((row as Readonly<Record<string, unknown>>)[kind])
}
