"""The requests. V is a variant of the protocol; TEXT is the naive one, FIX is docs/PROTOCOL.md."""
from mc import *
class V:
    retries=4
    rev=False        # F1 every Go write stores a new revision and the few before it, to recognize a conflict with an own write
    createback=False # F2a after ErrExists or a timeout of Create, a Get with the same revision means success (REJECTED, see 1i)
    abandon=False    # F2 if a Create is not answered OK, its id is never used: it is deleted (best effort), and a new one is made
    once=False       # F2 the client library never resends a Create
    fence=False      # F11 (alternative to once) the end of an id stores x:{sess:id} for a while, and Create and Update refuse such an id
    cas_end=False    # F3 login and regenerate end the old record by compare-and-delete, and copy it again after a conflict
    abort_gone=False # F4 Regenerate without credentials: if the old record has ended, delete the new one and fail
    succ=False       # F5 successor pointer x:{sess:old}=new, read only by log-out and destroy-all, never by load
    loop=False       # F6 DestroyOwned lists again until the list is empty
    order='create-add'
    slots=False      # F7 no merge if a log-in slot has changed
    rerun=False      # F8 a read-modify-write is a function that is run again, not a value that overwrites
    tomb=None        # None | 'write' (TEXT: as long as a write can arrive) | 'deadline'
    tombupd=False    # F9 the Update script refuses a tombstoned id
    walk=False       # F12 the log-out of one guard follows all successors, not only one
    spare=False      # F13 and removes only its log-in from a session with other log-ins, instead of ending the session
    carrygone=False  # F14 a log-in copies no log-in of another guard if the old record has ended
    cleanup=True
    def __init__(s,**k): s.__dict__.update(k)
    def but(s,**k): d=dict(s.__dict__); d.update(k); return V(**d)
TEXT=V()
FIX=V(rev=True,abandon=True,once=True,tombupd=True,cas_end=True,abort_gone=True,succ=True,loop=True,slots=True,rerun=True,walk=True,spare=True,carrygone=True)

def load(v,id):
    """returns a record, None (anonymous) or ERR, by load's rules about tombstones"""
    if v.tomb:
        r=yield ('mget',id)
        if r==ERR: return ERR
        r,t=r
        if t is not None: return None
    else: r=yield ('get',id)
    return r
def logged(v,d,id):
    """would a request with this cookie be logged in, in this store?"""
    r=d.get('s:'+id)
    if r is None: return None
    if v.tomb and 'x:'+id in d: return None
    r=dict(r)
    if 'st' in r and d.get('db') is not None and r['st']!=d['db']: return None   # security stamp
    return r.get('u')
META={'rev','prev','u','st','own'}
def stamp_rev(v,d,old,my):
    if v.rev:
        d['rev']=my
        if old is not None: o=dict(old); d['prev']=((o.get('rev'),)+tuple(o.get('prev',())))[:3]

def write(v,id,key,val=None,pid='w',inc=False,keybase=None):
    def p():
        b=yield from load(v,id)
        if b==ERR: return ('err',)
        if b is None: return ('anon',)
        base=b; user=dict(base).get('u')
        fixed=(dict(b).get(key,0)+1) if inc else val
        maybe=False
        for a in range(v.retries):
            d=dict(b)
            d[key]=(d.get(key,0)+1) if inc and v.rerun else fixed
            stamp_rev(v,d,b,pid)
            r=yield ('update',id,b,rec(d),v.tombupd)
            if r==ERR: return ('err',)
            if r[0]==OK: return ('ok',user,dict(b).get('u'))
            if r[0]==NOTFOUND: return ('gone',)
            cur=r[1]                                    # F10: the script returns the record that it found (one round trip, primary)
            c=dict(cur)
            if v.rev and (c.get('rev')==pid or pid in c.get('prev',())): return ('ok',user,user)
            if v.slots and (c.get('u'),c.get('st'))!=(dict(base).get('u'),dict(base).get('st')): return ('changed',)
            b=cur
        return ('err',)
    return p

def refresh(v,id,pid='r'):
    def p():
        b=yield from load(v,id)
        if b in(ERR,None): return ('anon',)
        d=dict(b); d['seen']=pid; stamp_rev(v,d,b,pid)
        r=yield ('update',id,b,rec(d),v.tombupd)
        return ('ok',) if r!=ERR and r[0]==OK else ('skip',)
    return p

def login(v,id,new,user,keep=(),pid='l',stamp=None,owner=None,credentials=True,after=None,retry_id=True):
    """guard.LogIn (credentials) or Regenerate (credentials=False). Answers ('ok',new) with Set-Cookie new."""
    def p():
        st=stamp
        if after:
            r=yield ('wait',after)
            if r[0]!='ok': return ('anon',)
        if stamp=='db':
            st=yield ('dbget',)                          # the strategy reads the user row and checks the password
            if st==ERR: return ('err',)
        b=None
        if id:
            b=yield from load(v,id)
            if b==ERR: return ('err',)
        if not credentials and (b is None or dict(b).get('u') is None): return ('anon',)
        def content(b):
            d={'u':user}
            if st: d['st']=st
            if owner: d['own']=owner
            if b is not None:
                o=dict(b)
                if not credentials or o.get('u') in (None,user):
                    for k in keep:
                        if k in o: d[k]=o[k]
            stamp_rev(v,d,None,pid)
            return rec(d)
        n=new; mine=content(b)
        if owner and v.order=='add-create':
            r=yield ('iadd',owner,n)
            if r==ERR: return ('err',)
        r=yield ('create',n,mine,v.fence,v.once)
        if r in (ERR,EXISTS):
            if v.abandon:
                yield ('del',n)
                n=n+"'"; r=yield ('create',n,mine,v.fence,v.once)
            elif v.createback:
                g=yield ('get',n)
                if g==mine: r=OK
                elif g==ERR or r==ERR: return ('err',)
            elif r==EXISTS:
                n=n+"'"; r=yield ('create',n,mine,v.fence,v.once)
            if r!=OK:
                return ('err',)
        if owner and v.order=='create-add':
            r=yield ('iadd',owner,n)
            if r==ERR:
                yield ('del',n); return ('err',)
        if b is not None:
            carry=not credentials                        # a pointer only if a log-in is copied
            tomb=v.tomb is not None or v.fence
            if not v.cas_end:
                r=yield (('end',id,None,None,True) if tomb else ('del',id))
                if r==ERR:
                    if v.cleanup: yield ('del',n)
                    return ('err',)
            else:
                for a in range(v.retries):
                    if (v.succ and carry) or tomb: r=yield ('end',id,b,(n if carry and v.succ else None),tomb)
                    else: r=yield ('cdel',id,b)
                    if r==ERR:
                        yield ('del',n); return ('err',)
                    if r[0]==OK: break
                    if r[0]==NOTFOUND:
                        if credentials or not v.abort_gone: break
                        yield ('del',n); return ('gone',)
                    cur=r[1]
                    if v.slots and not credentials and dict(cur).get('u')!=dict(b).get('u'):
                        yield ('del',n); return ('changed',)
                    b=cur; m2=content(b)
                    r=yield ('update',n,mine,m2,False)
                    if r==ERR or r[0]!=OK:
                        yield ('del',n); return ('err',)
                    mine=m2
                else:
                    yield ('del',n); return ('err',)
            if owner: yield ('irem',owner,id)            # best effort, last
        return ('ok',n)
    return p

def logout(v,ids,after=None,owner=None,loadfirst=True):
    """ends every id that the request presented"""
    def p():
        if after: yield ('wait',after)
        for id in (ids if isinstance(ids,tuple) else (ids,)):
            if loadfirst:
                b=yield from load(v,id)
                if b==ERR: return ('err',)
            todo=id
            for hop in range(4):
                if v.succ or v.tomb or v.fence:
                    r=yield ('end',todo,None,None,v.tomb is not None or v.fence)
                    if r==ERR: return ('err',)
                    nx=r[1]
                    if v.succ and nx and nx!='-': todo=nx; continue
                    break
                else:
                    r=yield ('del',todo)
                    if r==ERR: return ('err',)
                    break
        if owner: yield ('irem',owner,ids)
        return ('ok',)
    return p

def destroyowned(v,owner,changepw=None):
    def p():
        if changepw:
            r=yield ('db',changepw)
            if r==ERR: return ('err',)
        done=set()
        for a in range(5 if v.loop else 1):
            l=yield ('ilist',owner)
            if l==ERR: return ('err',)
            if not l: break
            for id in l:
                if v.succ or v.tomb or v.fence: r=yield ('end',id,None,None,v.tomb is not None or v.fence)
                else: r=yield ('del',id)
                if r==ERR: return ('err',)
                r=yield ('irem',owner,id)               # an id is removed from the index only after its record has ended
                if r==ERR: return ('err',)
        else:
            if v.loop: return ('err',)
        return ('ok',)
    return p

def heal(v,owner):
    def p():
        l=yield ('ilist',owner)
        if l==ERR: return ('err',)
        for id in l:
            b=yield ('get',id)
            if b is None: yield ('irem',owner,id)
        return ('ok',)
    return p

# ---- Node: express-session, connect-redis and passport
def node_write(id,key,val):
    def p():
        b=yield ('get',id)
        if b in(None,ERR): return ('anon',)
        d=dict(b); d[key]=val
        yield ('set',id,rec(d)); return ('ok',)
    return p
def node_touch(id):
    def p():
        b=yield ('get',id)
        if b in(None,ERR): return ('anon',)
        yield ('touch',id); return ('ok',)
    return p
def node_login(id,new,user,inplace=False):
    def p():
        b=yield ('get',id)
        if inplace:                                      # passport < 0.6
            d=dict(b or ()); d['u']=user; yield ('set',id,rec(d)); return ('ok',id)
        if b is not None: yield ('del',id)
        yield ('set',new,rec({'u':user})); yield ('set',new,rec({'u':user})); return ('ok',new)
    return p
def node_logout(id,new):
    def p():
        b=yield ('get',id)
        if b is None: return ('ok',)
        d=dict(b); d.pop('u',None); yield ('set',id,rec(d)); yield ('del',id); yield ('set',new,rec({})); return ('ok',)
    return p

# ---- two guards in one session: the keys that begin with u_ are slots
def slots(b): return {k:x for k,x in dict(b).items() if k.startswith('u_')}
def others(b,mine): return any(k!=mine for k in slots(b))

def carry_on(v,id,new,pid,slot=None,user=None):
    """Renew (slot None), or a log-in of one guard with credentials that copies the other guards' log-ins."""
    def p():
        b=yield ('get',id)
        if b==ERR: return ('err',)
        if b is None: return ('anon',)
        base=b; n=new
        while True:
            d=dict(b)
            if slot: d[slot]=user
            stamp_rev(v,d,None,pid); mine=rec(d)
            r=yield ('create',n,mine,v.fence,v.once)
            if r!=OK:
                yield ('del',n); return ('err',)
            carries=any(k!=slot for k in slots(b))       # S7: a log-in that this request has not proved
            again=False
            while b!=rec({}) and not again:
                r=yield ('end',id,b,n if carries and v.succ else None,False)
                if r==ERR:
                    yield ('del',n); return ('err',)
                if r[0]==OK: break
                if r[0]==NOTFOUND:
                    if not slot:
                        yield ('del',n); return ('gone',)
                    if carries and v.carrygone: b=rec({}); again=True   # S6: a log-in that was not proved here ends with its record
                    else: break
                else:
                    if not slot and slots(r[1])!=slots(base):
                        yield ('del',n); return ('changed',)
                    again=slots(r[1])!=slots(b); b=r[1]
                    if not again:
                        d=dict(b)
                        if slot: d[slot]=user
                        stamp_rev(v,d,mine,pid+'2')
                        r=yield ('update',n,mine,rec(d),v.tombupd)
                        if r==ERR or r[0]!=OK:
                            yield ('del',n); return ('err',)
                        mine=rec(d)
            if not again: return ('ok',n)
            yield ('del',n); n=n+"'"
    return p

def leave(v,id,mine,pid):
    """S8: removes mine from the session of id and from its successors; a session without other log-ins ends."""
    todo=id
    for hop in range(4):
        b=yield ('get',todo)
        if b==ERR: return ('err',)
        while v.spare and b is not None and others(b,mine):
            if mine not in dict(b): return ('ok',None)
            d=dict(b); d.pop(mine); stamp_rev(v,d,b,pid+str(hop))
            r=yield ('update',todo,b,rec(d),v.tombupd)
            if r==ERR: return ('err',)
            if r[0]==OK: return ('ok',None)
            b=r[1] if r[0]==CONFLICT else None
        r=yield ('end',todo,None,None,v.fence)
        if r==ERR: return ('err',)
        nx=r[1] if v.succ else None
        if not nx or nx=='-' or hop==0 and not v.walk: return ('ok',None)
        todo=nx
    return ('err',)

def partial_logout(v,id,mine,new,pid,after=None):
    """ends the log-in under mine; those of the other guards stay, under a new id if this request changes the id"""
    def p():
        if after:
            r=yield ('wait',after)
            if r[0]!='ok': return ('anon',)
        b=yield ('get',id)
        if b==ERR: return ('err',)
        if b is None or mine not in dict(b) or not others(b,mine):
            return (yield from leave(v,id,mine,pid))
        for a in range(3):
            d=dict(b); d.pop(mine); n=f'{new}{a}'; stamp_rev(v,d,None,pid)
            r=yield ('create',n,rec(d),v.fence,v.once)
            if r!=OK:
                yield ('del',n); return ('err',)
            if not v.cas_end:
                r=yield ('del',id)
                return ('ok',n) if r!=ERR else ('err',)
            r=yield ('end',id,b,n if v.succ else None,v.fence)
            if r!=ERR and r[0]==OK: return ('ok',n)
            yield ('del',n)
            if r==ERR: return ('err',)
            if r[0]==NOTFOUND or slots(r[1])!=slots(b): break
            b=r[1]
        return (yield from leave(v,id,mine,pid))
    return p
