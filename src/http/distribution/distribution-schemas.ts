import Type from 'typebox'
import { COPY_STATES } from '../../domain/distribution.ts'
import { dateTime } from '../schemas.ts'

export const storeName = Type.String({ description: 'The name that the store is configured with.' })

export const copyState = Type.Enum([...COPY_STATES], {
  type: 'string',
  description: 'To be copied, there, or no longer wanted there, such as a file that was found infected.',
})

export const copyFailure = Type.Optional(Type.String({ description: 'Why the last try failed. It is tried again.' }))

export const Distribution = Type.Object(
  {
    stores: Type.Array(
      Type.Object({
        store: storeName,
        isRequired: Type.Boolean({ description: 'Whether an import must reach it before it succeeds.' }),
        waiting: Type.Integer({ minimum: 0, description: 'Files of this instance that are to be copied there.' }),
        present: Type.Integer({ minimum: 0, description: 'Files of this instance that are there.' }),
        dropping: Type.Integer({ minimum: 0, description: 'Files of this instance that are to be deleted there.' }),
        oldestWaiting: Type.Optional(
          Type.Object(
            { since: dateTime('Since when it waits.'), reason: copyFailure },
            { description: 'The file of this instance that waits longest.' },
          ),
        ),
        lastCheckDateTime: Type.Optional(
          dateTime('When the store was last compared with the catalogue, from end to end.'),
        ),
      }),
      { description: 'The stores that are configured, in their order.' },
    ),
  },
  { $id: 'Distribution', description: 'How the distribution stores stand with the files of an instance.' },
)
