import Crypto

/// A script that Redis runs as one step.
struct RedisScript: Sendable {
    let text: String
    /// The SHA-1 of the text in hexadecimal, by which Redis knows it.
    let digest: String

    /// A script from what it does; the functions of the prelude are in front of it.
    private init(_ body: String) {
        self.text = Self.prelude + body
        self.digest = Insecure.SHA1.hash(data: Array(self.text.utf8)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// The index is the only declared key; all others begin with the prefix, which keeps them on one node of a cluster.
    ///
    /// A session is a string, `s:` and its id. The index is a sorted set of all ids by the moment from which on anybody may claim them: their deadline, or the
    /// end of a claim. A principal's sessions are a set, `p:` and the principal.
    private static let prelude = """
        local index, prefix = KEYS[1], ARGV[1]
        local function key(id) return prefix .. 's:' .. id end
        local function header(id) return redis.call('GETRANGE', key(id), 0, 27) end
        local function principal(id)
          local bytes = redis.call('GETRANGE', key(id), 28, 1055)
          if #bytes < 4 then return '' end
          return string.sub(bytes, 5, 4 + struct.unpack('>I4', bytes))
        end
        local function limit(name, wasThere, moment)
          if moment == '' then redis.call('PERSIST', name) return end
          if wasThere then
            local left = redis.call('PTTL', name)
            if left < 0 then return end
            local time = redis.call('TIME')
            if tonumber(time[1]) * 1000 + left >= tonumber(moment) then return end
          end
          redis.call('PEXPIREAT', name, moment)
        end
        local function forget(id)
          local who = principal(id)
          if who ~= '' then redis.call('SREM', prefix .. 'p:' .. who, id) end
          redis.call('ZREM', index, id)
          return redis.call('DEL', key(id))
        end
        local function keep(id, bytes, who, score, moment)
          redis.call('SET', key(id), bytes)
          if moment ~= '' then redis.call('PEXPIREAT', key(id), moment) end
          redis.call('ZADD', index, score, id)
          if who == '' then return end
          local list = prefix .. 'p:' .. who
          local wasThere = redis.call('EXISTS', list) == 1
          redis.call('SADD', list, id)
          limit(list, wasThere, moment)
        end

        """

    /// id, version → the header of a session with the version, otherwise the session.
    static let load = Self(
        """
        local bytes = header(ARGV[2])
        if #bytes == 28 and string.sub(bytes, 5, 12) == ARGV[3] then return bytes end
        return redis.call('GET', key(ARGV[2]))
        """
    )

    /// id, session, principal, score, end → whether it was inserted.
    static let insert = Self(
        """
        if redis.call('EXISTS', key(ARGV[2])) == 1 then return 0 end
        keep(ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6])
        return 1
        """
    )

    /// id, expected header, session, principal, score, end → 1, nothing if it is not there, or the session if its header is another.
    static let replace = Self(
        """
        local bytes = header(ARGV[2])
        if bytes == '' then return false end
        if bytes ~= ARGV[3] then return redis.call('GET', key(ARGV[2])) end
        local who = principal(ARGV[2])
        if who ~= '' and who ~= ARGV[5] then redis.call('SREM', prefix .. 'p:' .. who, ARGV[2]) end
        keep(ARGV[2], ARGV[4], ARGV[5], ARGV[6], ARGV[7])
        return 1
        """
    )

    /// id, last access and deadline as a header has them, score, end → whether it is there.
    static let touch = Self(
        """
        local id, bytes = ARGV[2], header(ARGV[2])
        if #bytes < 28 then return 0 end
        if struct.unpack('>i8', ARGV[3]) >= struct.unpack('>i8', string.sub(bytes, 13, 20)) then
          redis.call('SETRANGE', key(id), 12, ARGV[3] .. ARGV[4])
          if ARGV[6] == '' then redis.call('PERSIST', key(id)) else redis.call('PEXPIREAT', key(id), ARGV[6]) end
          redis.call('ZADD', index, ARGV[5], id)
          local who = principal(id)
          if who ~= '' then limit(prefix .. 'p:' .. who, true, ARGV[6]) end
          return 1
        end
        local deadline = struct.unpack('>i8', string.sub(bytes, 21, 28))
        redis.call('ZADD', index, deadline >= 9223372036854775807 and 'inf' or string.format('%.0f', deadline), id)
        return 1
        """
    )

    /// id → whether it was there.
    static let remove = Self("return forget(ARGV[2])")

    /// id, end of the claim, its new end or nothing to remove the session → whether it was claimed until then.
    static let endClaim = Self(
        """
        local bytes, score = header(ARGV[2]), tonumber(redis.call('ZSCORE', index, ARGV[2]))
        if #bytes < 28 or score ~= tonumber(ARGV[3]) then return 0 end
        -- Not claimed: it expires at this very moment.
        if struct.unpack('>i8', string.sub(bytes, 21, 28)) >= score then return 0 end
        if ARGV[4] == '' then return forget(ARGV[2]) end
        redis.call('ZADD', index, ARGV[4], ARGV[2])
        return 1
        """
    )

    /// id, new id, expected header, session, principal, score, end; id, session, principal, score, end of the record that forwards → 1, 0 if it is not there,
    /// -1 if the new id is taken, or the session if its header is another.
    static let rename = Self(
        """
        if redis.call('EXISTS', key(ARGV[3])) == 1 then return -1 end
        local bytes = header(ARGV[2])
        if bytes == '' then return 0 end
        if bytes ~= ARGV[4] then return redis.call('GET', key(ARGV[2])) end
        forget(ARGV[2])
        keep(ARGV[3], ARGV[5], ARGV[6], ARGV[7], ARGV[8])
        forget(ARGV[9])
        keep(ARGV[9], ARGV[10], ARGV[11], ARGV[12], ARGV[13])
        return 1
        """
    )

    /// now, limit, end of the claim → ids and sessions.
    static let claim = Self(
        """
        local answer = {}
        for _, id in ipairs(redis.call('ZRANGEBYSCORE', index, '-inf', ARGV[2], 'LIMIT', 0, ARGV[3])) do
          local bytes = redis.call('GET', key(id))
          if bytes then
            redis.call('ZADD', index, ARGV[4], id)
            answer[#answer + 1] = id
            answer[#answer + 1] = bytes
          else
            redis.call('ZREM', index, id)
          end
        end
        return answer
        """
    )

    /// principal → ids and sessions.
    static let sessions = Self(
        """
        local answer, list = {}, prefix .. 'p:' .. ARGV[2]
        for _, id in ipairs(redis.call('SMEMBERS', list)) do
          local bytes = redis.call('GET', key(id))
          if bytes and principal(id) == ARGV[2] then
            answer[#answer + 1] = id
            answer[#answer + 1] = bytes
          else
            redis.call('SREM', list, id)
          end
        end
        return answer
        """
    )

    /// limit → how many were removed.
    static let removeSome = Self(
        """
        local ids = redis.call('ZRANGE', index, 0, tonumber(ARGV[2]) - 1)
        for _, id in ipairs(ids) do forget(id) end
        return #ids
        """
    )
}
